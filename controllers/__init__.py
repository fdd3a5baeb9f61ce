"""The controllers: each brings one part of what was observed nearer to what was asked, through the API alone."""
