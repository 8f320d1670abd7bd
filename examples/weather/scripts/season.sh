# Figures of one season of the year.
# in: days on stdin, NAME, MONTHS; out: mean_max, rain, wet_days, line
tr ';' '\n' | awk -F, -v name="$NAME" -v months="$MONTHS" '
	index(months, substr($1, 6, 2)) {
		n++
		rain += $2
		wet += $2 > 0
		max += $3
	}
	END {
		if (n == 0) { print "no days in " name > "/dev/stderr"; exit 3 }
		printf "mean_max=%.1f\nrain=%.1f\nwet_days=%d\n", max / n, rain, wet
		printf "line=%-8s %4d days  mean high %5.1f °C  rain %6.1f mm on %3d days\n", name, n, max / n, rain, wet
	}
' >"$LFT_OUTPUT"

sed -n 's/^line=//p' "$LFT_OUTPUT"
