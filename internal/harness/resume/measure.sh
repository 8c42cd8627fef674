#!/usr/bin/env bash
# Uploads a list over HTTP to a process with the role api, cuts the connection at nine tenths, goes on, imports the
# upload, and gives another one up. It prints the times, what is left, and the memory (VmRSS) of the process.
#   internal/harness/resume/measure.sh 10000000
# It needs Linux, root, curl, and PostgreSQL's programs in PG_BIN; what it makes lies in a folder that it removes.
set -uo pipefail
rows=${1:?rows} bin=${PG_BIN:-/usr/lib/postgresql/15/bin} dir=$(mktemp -d) pg=55435
chmod 755 "$dir" && cd "$(dirname "$0")/../../.." && go build -o "$dir/bestow" ./cmd/bestow && cd "$dir" || exit 1
BESTOW_ADMIN_KEY=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
export BESTOW_ADMIN_KEY DATABASE_URL=postgres://postgres@127.0.0.1:$pg/bestow
export BESTOW_ADDR=127.0.0.1:18089 BESTOW_OPS_ADDR=127.0.0.1:19099 KAFKA_BROKERS=127.0.0.1:1
api='' sampler=''
finish() {
	kill $sampler $api 2>/dev/null
	su postgres -c "$bin/pg_ctl -D $dir/data/pg -m immediate stop" >/dev/null
	rm -rf "$dir"
}
trap finish EXIT
mkdir data && chown postgres data
su postgres -c "$bin/initdb -D $dir/data/pg -A trust >/dev/null &&
	$bin/pg_ctl -w -D $dir/data/pg -o '-p $pg -k $dir/data -c max_wal_size=2GB' -l $dir/data/log start >/dev/null &&
	$bin/createdb -h 127.0.0.1 -p $pg bestow" || exit 1
./bestow migrate up >migrate.log 2>&1 || { cat migrate.log; exit 1; }
./bestow serve --roles api >serve.log 2>&1 &
api=$!
for _ in $(seq 60); do curl -sf "http://$BESTOW_ADDR/api/v1/docs" >/dev/null && break; sleep 1; done

rss() { awk '/VmRSS/ { print $2 }' "/proc/$api/status"; }
highest() { sort -n rss.log | tail -1; }
ask() { curl -s -H "Authorization: Bearer $BESTOW_ADMIN_KEY" -H 'Tus-Resumable: 1.0.0' "$@"; }
query() { su postgres -c "psql -h 127.0.0.1 -p $pg -Atc \"$1\" bestow"; }
begin() { # begin prints the id of a new upload of the list
	ask -D - -o /dev/null -X POST "$url/uploads" -H "Upload-Length: $size" \
		-H "Upload-Metadata: filetype $(printf text/csv | base64),sha256 $(printf %s "$sum" | base64 -w0)" |
		tr -d '\r' | sed -n 's/^Location: .*uploads.//Ip'
}
cut_off() { # cut_off ID sends nine tenths of the list and ends the connection
	{
		printf '%s\r\n' "PATCH /api/v1/uploads/$1 HTTP/1.1" 'Host: x' "Authorization: Bearer $BESTOW_ADMIN_KEY" \
			'Tus-Resumable: 1.0.0' 'Upload-Offset: 0' 'Content-Type: application/offset+octet-stream' \
			"Content-Length: $size" ''
		head -c $cut list.csv
	} >"/dev/tcp/${BESTOW_ADDR/://}"
}
kept() { # kept ID waits until all that was sent before the cut is stored, and prints where the upload goes on
	local at=''
	for _ in $(seq 240); do
		at=$(ask -I "$url/uploads/$1" | tr -d '\r' | sed -n 's/^Upload-Offset: //Ip')
		[ "$at" = "$cut" ] && break
		sleep 0.5
	done
	echo "$at"
}

awk -v n="$rows" 'BEGIN { print "member_id,amount"; for (i = 0; i < n; i++) printf "m%010d,%d\n", i, i % 7 + 1 }' >list.csv
size=$(stat -c %s list.csv) cut=$(($(stat -c %s list.csv) * 9 / 10)) sum=$(sha256sum list.csv | cut -c1-64)
url=http://$BESTOW_ADDR/api/v1
(while sleep 0.2; do rss; done) >rss.log 2>/dev/null &
sampler=$!
sleep 2
idle=$(rss)
echo "$rows rows, $size bytes; idle: $idle KiB"
event=$(ask "$url/events" -H 'Content-Type: application/json' -d '{"campaign_id": "m", "event_type": "POINT"}' |
	sed 's/.*"id":\([0-9]*\).*/\1/')
upload=$(begin)
cut_off "$upload"
at=$(kept "$upload")
echo "cut at $cut; the upload goes on at $at"
tail -c +$((at + 1)) list.csv | ask -o /dev/null -w 'the rest: %{http_code} in %{time_total} s\n' -X PATCH \
	"$url/uploads/$upload" -H "Upload-Offset: $at" -H 'Content-Type: application/offset+octet-stream' -H 'Expect:' -T -
echo "highest while it was uploaded: $(highest) KiB"
ask -X POST "$url/events/$event/targets?upload=$upload" -w '\nimport: %{http_code} in %{time_total} s\n'
echo "highest: $(highest) KiB, $((($(highest) - idle) / 1024)) MiB over idle"
query 'SELECT count(*), count(DISTINCT member_id), sum(amount) FROM point_targets'
query "SELECT encode(sha256, 'hex') = '$sum' FROM imports"
left='SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM upload_pieces)'
echo "left of it: $(query "$left")"
upload=$(begin)
cut_off "$upload"
kept "$upload" >/dev/null
echo "a second one, cut: $(query "$left")"
ask -X DELETE "$url/uploads/$upload" -w 'given up: %{http_code}\n'
echo "left of it: $(query "$left")"
