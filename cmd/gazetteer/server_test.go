package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazetteer"
)

// startServer runs a server as a process and returns its URL.
func startServer(t *testing.T, args ...string) (*child, string) {
	t.Helper()
	c := startChild(t, append([]string{"server"}, args...)...)
	return c, c.out.wait(t, `serves (http://\S+)`)
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	return r.StatusCode
}

func waitForStatus(t *testing.T, url string, want int) {
	t.Helper()
	for end := time.Now().Add(patience); statusOf(t, url) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not answer %d but %d", url, want, statusOf(t, url))
		}
	}
}

// mustRun runs one command line in this process.
func mustRun(t *testing.T, line string) string {
	t.Helper()
	code, out, bad := runLine(t, line, "")
	if code != exitOK {
		t.Fatalf("gazetteer %s: exit code %d\n%s%s", line, code, out, bad)
	}
	return out
}

// TestServerEndsInOrder: on SIGTERM readiness fails while answers still come; what was
// written is there at the next start.
func TestServerEndsInOrder(t *testing.T) {
	dir := t.TempDir()
	c, url := startServer(t, "--data", dir, "--http", "127.0.0.1:0", "--lame-duck", "1s")
	waitForStatus(t, url+"/readyz", http.StatusOK)
	mustRun(t, "types put shelf --addr "+url)
	mustRun(t, "put shelf a l --url https://a.example/ --addr "+url)

	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitForStatus(t, url+"/readyz", http.StatusServiceUnavailable)
	if got := statusOf(t, url+"/v1/resolve/shelf/a"); got != http.StatusOK {
		t.Errorf("a lame duck answers %d, want 200", got)
	}
	if code := c.code(t); code != exitOK {
		t.Errorf("exit code %d:\n%s", code, c.out.String())
	}

	_, url = startServer(t, "--data", dir, "--http", "127.0.0.1:0")
	waitForStatus(t, url+"/readyz", http.StatusOK)
	if out := mustRun(t, "get shelf a --addr "+url); !strings.Contains(out, "https://a.example/") {
		t.Errorf("after a restart:\n%s", out)
	}
}

// TestDataDirectoryIsGuarded: a directory in use, of another node, or of a newer format
// is refused in one line, and stays as it is.
func TestDataDirectoryIsGuarded(t *testing.T) {
	dir := t.TempDir()
	c, url := startServer(t, "--data", dir, "--http", "127.0.0.1:0", "--lame-duck", "0s")
	waitForStatus(t, url+"/readyz", http.StatusOK)
	refuses := func(want string, args ...string) {
		t.Helper()
		line := "server --http 127.0.0.1:0 --data " + dir + " " + strings.Join(args, " ")
		code, _, bad := runLine(t, line, "")
		if code != exitConflict || !strings.Contains(bad, want) || strings.Count(bad, "\n") != 1 {
			t.Errorf("exit code %d, %q; want code %d and one line with %q", code, bad, exitConflict, want)
		}
	}
	refuses("another process uses this")
	if code := c.end(t, os.Interrupt); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, c.out.String())
	}
	refuses("local-1", "--node", "node-2")

	identity := filepath.Join(dir, "IDENTITY")
	text, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(text), `"format":1`, `"format":99`, 1)
	if newer == string(text) {
		t.Fatalf("no format in %s", text)
	}
	if err := os.WriteFile(identity, withSum(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses("newer")
}

// TestPortInUse names the port, and ends before any data is made.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := filepath.Join(t.TempDir(), "data")
	for _, command := range []string{"demo", "server"} {
		code, _, bad := runLine(t, fmt.Sprintf("%s --http %s --data %s", command, l.Addr(), dir), "")
		if code != exitConflict || !strings.Contains(bad, l.Addr().String()+" is in use") {
			t.Errorf("%s: exit code %d, %q", command, code, bad)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s made %s", command, dir)
		}
	}
}

// TestDemoKeepsItsData: a second start finds the catalogue of the first.
func TestDemoKeepsItsData(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{"Loaded the measurement services", "there from an earlier start"} {
		c := startChild(t, "demo", "--regions", "2", "--http", "127.0.0.1:0", "--data", dir)
		c.out.wait(t, "Ctrl-C ends it")
		if code := c.end(t, os.Interrupt); code != exitOK || !strings.Contains(c.out.String(), want) {
			t.Errorf("start %d: exit code %d, want %q in:\n%s", i, code, want, c.out.String())
		}
	}
}

// TestDemoLeavesNothing: without --data its directory is gone afterwards.
func TestDemoLeavesNothing(t *testing.T) {
	c := startChild(t, "demo", "--regions", "2", "--http", "127.0.0.1:0")
	dir := c.out.wait(t, `its data lies in (\S+)\. Try`)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	c.out.wait(t, "Ctrl-C ends it")
	if code := c.end(t, os.Interrupt); code != exitOK {
		t.Errorf("exit code %d:\n%s", code, c.out.String())
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// withSum makes a changed identity file valid again.
func withSum(text string) []byte {
	line, _, _ := strings.Cut(text, "\n")
	return fmt.Appendf(nil, "%s\n%016x\n", line, gazetteer.Hash(line))
}
