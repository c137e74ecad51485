#!/usr/bin/env bash
# Three nodes on the loopback addresses of this machine, in ./data/cluster. They
# end with Ctrl-C, and go on with their data at the next start.
#
#   DORMOUSE  the binary (bin/dormouse)
#   DIR       keys, data and logs (data/cluster)
#   further arguments are flags of all nodes
set -eu
set -m # nodes have process groups of their own: Ctrl-C reaches this script alone

cd "$(dirname "$0")/../.."
dormouse=${DORMOUSE:-bin/dormouse}
dir=${DIR:-data/cluster}
patience=60 # seconds until all is well
pids=

say() { printf '%s\n' "$*"; }

# Node n: 1, 2 or 3.
http() { echo "127.0.0.1:808$1"; }
coap() { echo $((5773 + 10 * $1)); }
cluster() { echo "127.0.0.1:$((7936 + 10 * $1))"; }

stop() {
	trap - EXIT INT TERM
	for pid in $pids; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	for pid in $pids; do
		wait "$pid" || true
	done
	say "Stopped. The data is in $dir."
	exit "${1:-0}"
}

fail() {
	say "$*" >&2
	stop 1
}

# The first start makes what the nodes share.
keys() {
	mkdir -p "$dir"
	chmod 700 "$dir"
	[ -f "$dir/keys/cluster.key" ] || "$dormouse" certs init --dir "$dir/keys" --cluster-name local
	if [ ! -f "$dir/keys/seal.key" ]; then
		(umask 077 && od -An -N32 -v -tx1 /dev/urandom | tr -d ' \n' >"$dir/keys/seal.key")
	fi
}

start() {
	n=$1
	shift
	"$dormouse" --data "$dir/node-$n" --node "node-$n" --accept-unknown \
		--http "$(http "$n")" --coap "127.0.0.1:$(coap "$n")" --coaps "127.0.0.1:$(($(coap "$n") + 1))" \
		--cluster "$(cluster "$n")" --cluster-name local \
		--cluster-key-file "$dir/keys/cluster.key" --seal-key-file "$dir/keys/seal.key" \
		"$@" >>"$dir/node-$n.log" 2>&1 &
	pids="$pids $!"
}

# formed says whether every shard has three voters, as a node sees it.
formed() {
	"$dormouse" shards --json --api "http://$(http "$1")" 2>/dev/null |
		tr '{' '\n' | awk '/"shard"/ {
			all++
			if (match($0, /"voters":\[[^]]*\]/) && split(substr($0, RSTART, RLENGTH), _, ",") == 3) three++
		} END { exit !(all > 1 && all == three) }'
}

serves() {
	if command -v curl >/dev/null 2>&1; then
		curl -fso /dev/null "http://$(http "$1")/readyz"
	else
		"$dormouse" members list --json --api "http://$(http "$1")" >/dev/null 2>&1
	fi
}

await() {
	tries=0
	until serves "$1" && formed "$1"; do
		for pid in $pids; do
			kill -0 "$pid" 2>/dev/null || fail "A node ended; the last lines of the logs:
$(tail -n 3 "$dir"/node-*.log)"
		done
		tries=$((tries + 1))
		[ "$tries" -lt $((patience * 2)) ] || fail "Node $1 is not ready after $patience s: see $dir/node-$1.log"
		sleep 0.5
	done
}

[ -x "$dormouse" ] || {
	say "There is no $dormouse: make build makes it." >&2
	exit 1
}
keys
trap 'stop 0' INT TERM
trap 'stop 1' EXIT
start 1 "$@"
start 2 --join "$(cluster 1),$(cluster 3)" "$@"
start 3 --join "$(cluster 1),$(cluster 2)" "$@"
say "Starting three nodes; their logs are $dir/node-1.log, -2 and -3."
for n in 1 2 3; do
	await "$n"
done

export DORMOUSE_API="http://$(http 1)"
"$dormouse" members list
cat <<END

Three nodes serve. Any of them answers for all:

  HTTP            http://$(http 1)  http://$(http 2)  http://$(http 3)
  CoAP, UDP       127.0.0.1:$(coap 1)  :$(coap 2)  :$(coap 3)
  CoAP, DTLS      127.0.0.1:$(($(coap 1) + 1))  :$(($(coap 2) + 1))  :$(($(coap 3) + 1))

  $dormouse members list          the nodes
  $dormouse shards                who leads each shard, and who has copies
  bin/dormouse-bench device -n 3 --server 127.0.0.1:$(coap 2)
  kill -9 ${pids##* }             the third one; the others go on

Ctrl-C ends all three.
END
wait || true
stop 0
