package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"gazetteer/api/client"
)

// smallWorld is a planet of three regions that are near one another: a tree of a-b and b-c.
const smallWorld = `{"regions":[{"name":"a","lat":1,"lon":2},{"name":"b"},{"name":"c"}],"rtt_ms":[["a","b",2],["b","c",3],["a","c",12]]}`

// writeWorld puts a planet where --regions finds it.
func writeWorld(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDemoOfProcesses: with every region as a process the demo does what it does in one:
// it shows a tree, cuts a region off and heals it; a region that is killed ends nobody
// else, and Ctrl-C ends all and leaves nothing.
func TestDemoOfProcesses(t *testing.T) {
	demo := startChild(t, "demo", "--processes", "--http", "127.0.0.1:0", "--regions", writeWorld(t, smallWorld))
	dir := demo.out.wait(t, `its data lies in (\S+)\. Try`)
	demo.out.wait(t, "Ctrl-C ends it")
	url := demo.out.wait(t, `answers at (http://[^;]+);`)
	k := clientOf(t, url)
	faces := facesOf(t, k)
	if len(faces) != 3 {
		t.Fatalf("%d regions answer, want 3", len(faces))
	}
	for _, turn := range []struct{ path, state string }{{cutPath, "unreachable"}, {healPath, "live"}} {
		post(t, url+turn.path+"c")
		awaitState(t, k, "c", turn.state)
	}
	pid, err := strconv.Atoi(demo.out.wait(t, `kill -9 (\d+)`))
	if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	demo.out.wait(t, "region c has ended: signal: killed")
	awaitState(t, k, "c", "unreachable")

	if code := demo.end(t, os.Interrupt); code != exitOK {
		t.Errorf("exit code %d:\n%s", code, demo.out.String())
	}
	for _, f := range faces {
		awaitSilence(t, f)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// TestRegionsEndWithTheirDemo: a demo that cannot say goodbye leaves no process behind.
func TestRegionsEndWithTheirDemo(t *testing.T) {
	demo := startChild(t, "demo", "--processes", "--http", "127.0.0.1:0", "--regions", "1", "--data", t.TempDir())
	url := demo.out.wait(t, `answers at (http://[^;]+);`)
	demo.end(t, os.Kill)
	awaitSilence(t, url)
}

func clientOf(t *testing.T, url string) *client.Client {
	t.Helper()
	k, err := client.New(client.Config{Addr: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// facesOf returns where the regions of a planet answer.
func facesOf(t *testing.T, k *client.Client) (urls []string) {
	t.Helper()
	all, err := k.Regions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		for _, s := range r.Servers {
			urls = append(urls, "http://"+s.HTTP)
		}
	}
	return urls
}

func post(t *testing.T, url string) {
	t.Helper()
	r, err := http.Post(url, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, r.Status)
	}
}

// eventually waits until something is so; said is what it was last.
func eventually(t *testing.T, what string, is func() (ok bool, said any)) {
	t.Helper()
	var said any
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if ok, said = is(); ok {
			return
		}
	}
	t.Fatalf("%s: not in %v, but %v", what, patience, said)
}

// awaitState waits until the region asked says that another one is in a state.
func awaitState(t *testing.T, k *client.Client, region, state string) {
	t.Helper()
	eventually(t, fmt.Sprintf("region %s is %s", region, state), func() (bool, any) {
		r, err := k.Region(t.Context(), region)
		return err == nil && r.State == state, fmt.Sprint(r.State, err)
	})
}

// awaitSilence waits until nobody answers at a URL.
func awaitSilence(t *testing.T, url string) {
	t.Helper()
	eventually(t, "nobody answers at "+url, func() (bool, any) {
		code := statusOf(t, url+"/livez")
		return code == 0, code
	})
}
