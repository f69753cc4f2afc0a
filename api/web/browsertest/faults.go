package browsertest

import (
	"encoding/json"
	"fmt"
)

// noteLocked keeps what a browser complains of: scripts that throw, errors of the console and
// of the log, broken policies. A refused request that the page expects is no fault: tests
// forgive it by its text.
func (b *Browser) noteLocked(m message) {
	switch m.Method {
	case "Runtime.exceptionThrown", "Audits.issueAdded":
		b.faults = append(b.faults, fmt.Sprintf("%s: %s", m.Method, m.Params))
	case "Runtime.consoleAPICalled":
		var p struct{ Type string }
		if json.Unmarshal(m.Params, &p) == nil && (p.Type == "error" || p.Type == "warning" || p.Type == "assert") {
			b.faults = append(b.faults, fmt.Sprintf("console: %s", m.Params))
		}
	case "Log.entryAdded":
		var p struct {
			Entry struct{ Level, Text, URL string }
		}
		if json.Unmarshal(m.Params, &p) == nil && (p.Entry.Level == "error" || p.Entry.Level == "warning") {
			b.faults = append(b.faults, fmt.Sprintf("log: %s %s", p.Entry.Text, p.Entry.URL))
		}
	case "Network.loadingFinished":
		var p struct{ EncodedDataLength float64 }
		if json.Unmarshal(m.Params, &p) == nil {
			b.bytes += p.EncodedDataLength
		}
	}
}

// Faults returns what the browser has complained of, and forgets it.
func (b *Browser) Faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.faults
	b.faults = nil
	return out
}

// Bytes is what finished requests have brought so far, heads included.
func (b *Browser) Bytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(b.bytes)
}
