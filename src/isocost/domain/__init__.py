"""The nouns users talk about: frozen values that check themselves, with no input or output."""
