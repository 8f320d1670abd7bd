echo "$GREETING! On $DAY the shops had $TOTAL orders."
