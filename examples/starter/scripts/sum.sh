# Runs with /bin/sh -eu. An output is a line NAME=VALUE in the file $LFT_OUTPUT.
echo "total=$((NORTH + SOUTH))" >> "$LFT_OUTPUT"
