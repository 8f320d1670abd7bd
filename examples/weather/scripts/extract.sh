# The year of one day, out of the whole series: rows and days become outputs.
# in: the observations, DAY; out: year, rows, days (date,rain,max,min,wind,weather joined by ";")
case $DAY in
[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
*)
	echo "day is \"$DAY\"; expected YYYY-MM-DD" >&2
	exit 2
	;;
esac
year=${DAY%%-*}

awk -F, -v year="$year" '
	NR == 1 && $0 != "date,precipitation,temp_max,temp_min,wind,weather" {
		print "the file has other columns than expected: " $0 > "/dev/stderr"
		exit 3
	}
	NR > 1 && substr($1, 1, 4) == year {
		gsub("/", "-", $1)
		rows++
		days = days (rows > 1 ? ";" : "") $1 "," $2 "," $3 "," $4 "," $5 "," $6
	}
	END { print "year=" year; print "rows=" rows + 0; print "days=" days }
' "$LFT_DEP_OBSERVATIONS/seattle-weather.csv" >"$LFT_OUTPUT"

echo "extracted the days of $year"
grep '^rows=' "$LFT_OUTPUT"
