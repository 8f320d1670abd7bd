# How many days of each kind of weather.
# in: days on stdin; out: snow (days), most (the most frequent kind)
tr ';' '\n' | cut -d, -f6 | sort | uniq -c | sort -k1,1nr -k2 >counts
cat counts

awk '
	NR == 1 { print "most=" $2 " (" $1 " days)" }
	$2 == "snow" { snow = $1 }
	END { print "snow=" snow + 0 }
' counts >"$LFT_OUTPUT"
