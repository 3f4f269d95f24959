"""What each command of `lineshaft` does: parse words, call one function of another module, print what it returns."""
