"""One file for each user intention; joins the pure core to the outside."""
