package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

// A record of the benchmark has three locations somewhere on earth. The n-th record is
// always the same.
const (
	recordType    = "mirror"
	locationsEach = 3
)

func recordID(n int) string { return "record-" + strconv.Itoa(n) }

// appendRecord appends the n-th resource document.
func appendRecord(dst []byte, n int) []byte {
	return appendResource(dst, recordType, n, locationsEach)
}

func appendResource(dst []byte, typ string, n, locations int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	dst = fmt.Appendf(dst, `{"type":%q,"id":%q,"locations":[`, typ, recordID(n))
	for i := range locations {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"id":"l%d","url":"https://node-%d.example.net/%d","lat":%.4f,"lon":%.4f,"country":%q,"weight":1}`,
			i, r.IntN(1000), n, r.Float64()*160-80, r.Float64()*360-180, countries[r.IntN(len(countries))])
	}
	return append(dst, "]}"...)
}

var countries = [...]string{"AU", "BR", "DE", "GB", "IN", "JP", "KE", "SE", "US", "ZA"}

// document is the n-th record alone, as a PUT sends it.
func document(n int) []byte { return appendRecord(nil, n) }

// catalogue writes the records from first on as NDJSON.
func catalogue(w io.Writer, first, count int) error {
	var line []byte
	for n := first; n < first+count; n++ {
		line = append(appendRecord(line[:0], n), '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// clients are addresses that the bundled GeoIP database knows.
var clients = [...]string{"81.2.69.160", "81.2.69.192", "89.160.20.112", "2.125.160.216", "67.43.156.0", "214.78.120.0", "216.160.83.56", "202.196.224.0"}

// resolveOf returns requests that ask where one of so many records is, each for one of
// the clients.
func resolveOf(records int) request {
	return func(dst []byte, r *rand.Rand) []byte {
		dst = append(dst, "GET /v1/resolve/"+recordType+"/record-"...)
		dst = strconv.AppendInt(dst, int64(r.IntN(records)), 10)
		dst = append(dst, "?ip="...)
		dst = append(dst, clients[r.IntN(len(clients))]...)
		return append(dst, " HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\r\n"...)
	}
}

// putOf returns requests that each write one record anew.
func putOf(records int) request {
	return func(dst []byte, r *rand.Rand) []byte {
		n := r.IntN(records)
		doc := document(n)
		dst = fmt.Appendf(dst, "PUT /v1/types/%s/resources/%s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
			recordType, recordID(n), len(doc))
		return append(dst, doc...)
	}
}
