# What the others found; runs however they ended. All comes by environment.
# out: rows, verdict
if [ "$ROWS" = 0 ]; then
	verdict="no observations for the year of $DAY"
elif [ -z "$DIFFERENCE" ]; then
	verdict="no observation of $DAY itself"
else
	verdict=$(awk -v d="$DIFFERENCE" -v high="$HIGH" -v usual="$USUAL" 'BEGIN {
		kind = d > 0.5 ? "warmer than" : d < -0.5 ? "colder than" : "as warm as"
		printf "%s usual: %.1f °C, usual %.1f °C", kind, high, usual
	}')
fi

echo "Seattle, $DAY: $verdict"
[ "$ROWS" = 0 ] || cat <<TEXT

$WINTER
$SPRING
$SUMMER
$AUTUMN

hottest   $HOTTEST
coldest   $COLDEST
wettest   $WETTEST
windiest  $WINDIEST
mostly    $MOST
snow      $SNOW days${SNOW_FIRST:+, $SNOW_FIRST to $SNOW_LAST} (job snow: $SNOW_STATUS)
TEXT

{
	echo "rows=$ROWS"
	echo "verdict=$verdict"
} >"$LFT_OUTPUT"
