"""What each verb accepts: options, arguments, help. What it does is imported when it runs."""
