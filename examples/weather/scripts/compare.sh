# One day against the same days, give or take, of all years.
# in: the observations, DAY, SPAN (days to each side); out: high, usual, difference (°C)
awk -F, -v day="$DAY" -v span="$SPAN" '
	# Days since March 1st of year 0; leap days fall at the end of such a year.
	function number(y, m, d) {
		if (m < 3) { y--; m += 12 }
		return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 1
	}
	BEGIN { month = substr(day, 6, 2) + 0; date = substr(day, 9, 2) + 0 }
	NR > 1 {
		split($1, t, "/")
		if (t[1] "-" t[2] "-" t[3] == day) { high = $3; found = 1 }
		# The neighbouring years too: the days about New Year lie in both.
		for (y = t[1] - 1; y <= t[1] + 1; y++) {
			distance = number(t[1] + 0, t[2] + 0, t[3] + 0) - number(y, month, date)
			if (distance >= -span && distance <= span) { n++; sum += $3 }
		}
	}
	END {
		if (!found) { print "no observation of " day > "/dev/stderr"; exit 3 }
		printf "high=%.1f\nusual=%.1f\ndifference=%.1f\n", high, sum / n, high - sum / n
	}
' "$LFT_DEP_OBSERVATIONS/seattle-weather.csv" >"$LFT_OUTPUT"

cat "$LFT_OUTPUT"
