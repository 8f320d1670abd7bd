# The days of the year that stand out.
# in: days on stdin; out: hottest, coldest, wettest, windiest, each "date value"
tr ';' '\n' | awk -F, '
	NR == 1 || $3 > hot { hot = $3 + 0; hottest = $1 }
	NR == 1 || $4 < cold { cold = $4 + 0; coldest = $1 }
	NR == 1 || $2 > wet { wet = $2 + 0; wettest = $1 }
	NR == 1 || $5 > wind { wind = $5 + 0; windiest = $1 }
	END {
		printf "hottest=%s %.1f °C\ncoldest=%s %.1f °C\n", hottest, hot, coldest, cold
		printf "wettest=%s %.1f mm\nwindiest=%s %.1f m/s\n", wettest, wet, windiest, wind
	}
' >"$LFT_OUTPUT"

cat "$LFT_OUTPUT"
