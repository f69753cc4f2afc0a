package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// addressSeen asks a server over a connection that begins with a header where its client
// is, and returns the status and the address that it answers with.
func addressSeen(t *testing.T, url string, header []byte) (status int, address string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "%sGET /v1/place HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", header); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "" // closed without a word
	}
	defer r.Body.Close()
	var body struct {
		Client struct {
			Address string `json:"address"`
		} `json:"client"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body) // a problem has no client
	return r.StatusCode, body.Client.Address
}

// headerV2 is a PROXY header of version 2 for a TCP connection over IPv4, written by hand.
func headerV2(from string) []byte {
	a := netip.MustParseAddrPort(from)
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x11, 0, 12)
	b = append(b, a.Addr().AsSlice()...)
	b = append(b, 127, 0, 0, 1)
	b = binary.BigEndian.AppendUint16(b, a.Port())
	return binary.BigEndian.AppendUint16(b, 8080)
}

func TestProxyProtocol(t *testing.T) {
	const client = "81.2.69.142"
	trusting, url := startServer(t, "--data", t.TempDir(), "--http", "127.0.0.1:0", "--proxy-protocol", "--trusted-proxies", "127.0.0.0/8")
	for name, c := range map[string]struct {
		header  []byte
		status  int
		address string
	}{
		"version 2":      {headerV2(client + ":5000"), 200, client},
		"version 1":      {[]byte("PROXY TCP4 " + client + " 127.0.0.1 5000 8080\r\n"), 200, client},
		"of its own":     {[]byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"), 200, "127.0.0.1"},
		"none":           {nil, 200, "127.0.0.1"},
		"broken":         {append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x11, 0, 3, 1, 2, 3), 0, ""},
		"no such family": {append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0xff, 0, 0), 0, ""},
	} {
		if status, address := addressSeen(t, url, c.header); status != c.status && c.status != 0 || address != c.address {
			t.Errorf("header %s: %d for %q, want %d for %q", name, status, address, c.status, c.address)
		}
	}
	trusting.end(t, os.Interrupt)

	_, url = startServer(t, "--data", t.TempDir(), "--http", "127.0.0.1:0", "--proxy-protocol", "--trusted-proxies", "192.0.2.0/24")
	if status, address := addressSeen(t, url, headerV2(client+":5000")); status == 200 || address != "" {
		t.Errorf("a header of a peer that is not trusted: %d for %q", status, address)
	}
	if status, address := addressSeen(t, url, nil); status != 200 || address != "127.0.0.1" {
		t.Errorf("a peer that is not trusted: %d for %q", status, address)
	}
	if code, _, bad := runLine(t, "server --data x --proxy-protocol", ""); code != exitUsage || !strings.Contains(bad, "--trusted-proxies") {
		t.Errorf("nobody is trusted: %d %s", code, bad)
	}
}

// The header that the test sends is the one that others send.
func TestProxyHeaderIsTheLibrarys(t *testing.T) {
	src, dst := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("81.2.69.142:5000")), net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:8080"))
	want, err := proxyproto.HeaderProxyFromAddrs(2, src, dst).Format()
	if got := headerV2("81.2.69.142:5000"); err != nil || string(got) != string(want) {
		t.Errorf("%x, want %x, %v", got, want, err)
	}
}
