#!/usr/bin/env bash
# Through every front door: a record is written in one region, and clients in three places
# ask for it over REST, by redirect and over DNS, and read why they got their answers. Then
# the region nearest to one of them is gone, and all is asked again.
#
# Needs Go, curl, jq, dig and ss (Debian: curl jq bind9-dnsutils iproute2). It runs a demo of its own on
# free ports of this machine and ends it. What is not as it should be ends it with status 1.
set -euo pipefail
cd "$(dirname "$0")/.."

zone=gazetteer.test
writer=sa-east-1
type=door id=front

fail() {
	printf 'front-doors: %s\n' "$*" >&2
	exit 1
}

for tool in go curl jq dig ss; do
	command -v "$tool" >/dev/null || fail "$tool is missing"
done

free_port() { # of this machine, for TCP and UDP
	local port
	while port=$((20000 + RANDOM % 20000)); do
		ss -Hlnut "sport = :$port" | grep -q . || break
	done
	echo "$port"
}

work=$(mktemp -d)
trap 'kill "${demo:-}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
http=127.0.0.1:$(free_port) dns=$(free_port)

go build -o "$work/gazetteer" ./cmd/gazetteer
"$work/gazetteer" demo --http "$http" --dns "127.0.0.1:$dns" --zone "$zone" >"$work/demo.log" 2>&1 &
demo=$!
for ((i = 0; i < 1200; i++)); do
	grep -q 'Ctrl-C ends it' "$work/demo.log" && break
	kill -0 "$demo" 2>/dev/null || fail "the demo has ended: $(cat "$work/demo.log")"
	sleep 0.1
done
grep 'minimum spanning tree' "$work/demo.log" || fail "there is no planet after two minutes: $(cat "$work/demo.log")"

# names asks DNS for a client in a network.
names() { dig "@127.0.0.1" -p "$dns" +short +tries=2 "+subnet=$1" "$2" "$3"; }

# nearest is the region that DNS sends a client to, url where it answers.
nearest() { names "$1" TXT "$zone" | sed -n 's/^"rank=1" "region=\([^"]*\)".*/\1/p'; }
url() { curl -fsS "http://$http/v1/regions/$1" | jq -r '"http://" + .servers[0].http'; }

expect() { # what, got, want
	[[ $2 == "$3" ]] || fail "$1: got '$2', want '$3'"
	printf '  %-28s %s\n' "$1" "$2"
}

# ask goes through all doors: client's network, who is to answer, location, its address.
ask() {
	local network=$1 region=$2 location=$3 address=$4 ip=${1%/*} door answer
	expect "DNS sends it to" "$(nearest "$network")" "$region"
	door=$(url "$region")/v1/resolve/$type/$id
	answer=$(curl -fsS "$door?ip=$ip&explain=1")
	expect "REST answers from" "$(jq -r .served_by.region <<<"$answer")" "$region"
	expect "REST: best location" "$(jq -r '.locations[0].id' <<<"$answer")" "$location"
	expect "redirect (307)" "$(curl -fsS -o /dev/null -w '%{http_code} %{redirect_url}' "$door?ip=$ip&redirect=1")" "307 http://$address/"
	expect "DNS: best address" "$(names "$network" A "$id.$type.$zone" | head -1)" "$address"
	expect "explained: candidates" "$(jq '.explain.candidates | length' <<<"$answer")" 3
	jq -r '"  explained: the way           " + ([.explain.hops[] | .role + " " + .name] | join(" > "))' <<<"$answer"
}

printf '\nA record is written in %s:\n' "$writer"
there=$(url "$writer")
curl -fsS -X PUT "$there/v1/types/$type" -H 'Content-Type: application/json' -d '{"redirect":true}' >/dev/null
record='{"locations":[
	{"id":"london","url":"http://192.0.2.1/","lat":51.5,"lon":-0.1,"country":"GB"},
	{"id":"melbourne","url":"http://198.51.100.2/","lat":-37.8,"lon":145.0,"country":"AU"},
	{"id":"seattle","url":"http://203.0.113.3/","lat":47.6,"lon":-122.3,"country":"US"}]}'
for ((i = 0; i < 100; i++)); do # until the region holds the new type
	curl -fsS -o /dev/null -X PUT "$there/v1/types/$type/resources/$id" -H 'Content-Type: application/json' -d "$record" 2>/dev/null && break
	sleep 0.1
done
for region in $(curl -fsS "http://$http/v1/regions" | jq -r '.regions[].name'); do
	at=$(url "$region")
	for ((i = 0; i < 100; i++)); do
		curl -fsS -o /dev/null "$at/v1/types/$type/resources/$id" 2>/dev/null && continue 2
		sleep 0.1
	done
	fail "$region does not have the record after ten seconds"
done
echo "  every region has it"

london=81.2.69.160/32 melbourne=214.0.1.0/24 milton=216.160.83.56/32
printf '\nA client in London:\n'
ask "$london" eu-west-1 london 192.0.2.1
printf '\nA client in Melbourne:\n'
ask "$melbourne" ap-southeast-1 melbourne 198.51.100.2
printf '\nA client in the state of Washington:\n'
ask "$milton" us-west-2 seattle 203.0.113.3

printf '\neu-west-1 is gone:\n'
curl -fsS -X POST "http://$http/demo/cut/eu-west-1"
begun=$(date +%s%3N)
while [[ $(nearest "$london") == eu-west-1 ]]; do
	(($(date +%s%3N) - begun < 20000)) || fail "DNS still names eu-west-1 after 20 s"
	sleep 0.05
done
printf '  DNS has named it for %d ms more\n' $(($(date +%s%3N) - begun))

printf '\nThe client in London:\n'
ask "$london" us-east-1 london 192.0.2.1
printf '\nThe client in Melbourne:\n'
ask "$melbourne" ap-southeast-1 melbourne 198.51.100.2
printf '\nThe client in the state of Washington:\n'
ask "$milton" us-west-2 seattle 203.0.113.3
printf '\nEvery door answered.\n'
