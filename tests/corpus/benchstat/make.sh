#!/bin/sh
# Makes every file beside it: two variants of one module, measured one after the other, and what benchstat prints of them.
# Needs go, and benchstat on the path: go install golang.org/x/perf/cmd/benchstat@latest
set -eu
export LC_ALL=C.UTF-8
for count in 3 4 6 7 10; do
	go test -run '^$' -bench . -benchtime 15ms -count "$count" >"before-$count.txt"
	go test -run '^$' -bench . -benchtime 15ms -count "$count" -tags after >"after-$count.txt"
done
# One variant twice: nothing differs but the moment.
go test -run '^$' -bench . -benchtime 15ms -count 10 >"again-10.txt"
for pair in before-3:after-3 before-4:after-4 before-6:after-6 before-7:after-7 before-10:after-10 before-10:again-10 \
	before-6:after-10 before-4:after-7; do
	before=${pair%:*} after=${pair#*:}
	benchstat "$before.txt" "$after.txt" >"$before-$after.benchstat" 2>&1
done
# All runs of a variant together: more than 25 values, where tied samples leave the exact distribution.
cat before-3.txt before-4.txt before-6.txt before-7.txt before-10.txt >before-all.txt
cat after-3.txt after-4.txt after-6.txt after-7.txt after-10.txt >after-all.txt
benchstat before-all.txt after-all.txt >before-all-after-all.benchstat 2>&1
rm before-all.txt after-all.txt
