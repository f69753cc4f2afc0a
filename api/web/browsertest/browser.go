// Package browsertest drives a headless Chromium for tests, by the DevTools protocol over a
// pipe: messages of JSON, each ended by a zero byte
// (https://chromedevtools.github.io/devtools-protocol/).
package browsertest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once.
const patience = 60 * time.Second

// Browser is a running Chromium with one page.
type Browser struct {
	t       testing.TB
	out     *os.File
	session string
	ended   chan struct{} // closed when it says nothing any more

	mu      sync.Mutex // guards following
	last    int
	answers map[int]chan message
	faults  []string
	bytes   float64 // of bodies and heads, as they came over the network
}

type message struct {
	ID      int             `json:"id"`
	Method  string          `json:"method"`
	Session string          `json:"sessionId"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// flags keep the browser to the test: it speaks with nobody else, and starts empty.
func flags(dir string) []string {
	f := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + dir, "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--hide-scrollbars", "--lang=en-US", "about:blank",
	}
	if os.Geteuid() == 0 {
		f = append(f, "--no-sandbox") // it refuses to run as root with one
	}
	return f
}

// Start runs the program until the test ends.
func Start(t testing.TB, program string) *Browser {
	t.Helper()
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, flags(t.TempDir())...)
	c.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as --remote-debugging-pipe has it
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	b := &Browser{t: t, out: ourOut, ended: make(chan struct{}), answers: map[int]chan message{}}
	go b.listen(bufio.NewReader(ourIn))
	t.Cleanup(func() { b.end(c) })
	b.open()
	return b
}

// end closes the pipe, which ends the browser; if it does not hear, it is killed.
func (b *Browser) end(c *exec.Cmd) {
	_, _ = b.out.Write([]byte(`{"id":0,"method":"Browser.close"}` + "\x00"))
	kill := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	_ = c.Wait()
	_ = b.out.Close()
	<-b.ended
}

func (b *Browser) open() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "Audits"} {
		b.Call(domain+".enable", nil, nil)
	}
}

func (b *Browser) listen(in *bufio.Reader) {
	defer close(b.ended)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.heard(m)
	}
}

func (b *Browser) heard(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answer := b.answers[m.ID]; answer != nil {
		delete(b.answers, m.ID)
		answer <- m
		return
	}
	b.noteLocked(m)
}

// Call sends a command and reads its result into result unless that is nil.
func (b *Browser) Call(method string, params, result any) {
	b.t.Helper()
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.answers[id] = answer
	b.mu.Unlock()
	text, err := json.Marshal(map[string]any{"id": id, "method": method, "params": orEmpty(params), "sessionId": b.session})
	if err != nil {
		b.t.Fatal(err)
	}
	if b.session == "" {
		text, _ = json.Marshal(map[string]any{"id": id, "method": method, "params": orEmpty(params)})
	}
	if _, err := b.out.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("%s: %v in %s", method, err, m.Result)
			}
		}
	case <-b.ended:
		b.t.Fatalf("%s: the browser has ended", method)
	case <-time.After(patience):
		b.t.Fatalf("%s: no answer", method)
	}
}

func orEmpty(params any) any {
	if params == nil {
		return struct{}{}
	}
	return params
}
