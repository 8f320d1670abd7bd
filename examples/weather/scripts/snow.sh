# The days with snow; runs only in a year that had some.
# in: days on stdin; out: first, last
tr ';' '\n' | awk -F, '$6 == "snow" { print $1, $2 " mm", $4 " °C" }' >snow
cat snow

{
	echo "first=$(head -n 1 snow | cut -d' ' -f1)"
	echo "last=$(tail -n 1 snow | cut -d' ' -f1)"
} >"$LFT_OUTPUT"
