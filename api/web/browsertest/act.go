package browsertest

import (
	"encoding/base64"
	"os"
	"time"
)

// Open loads a page. What comes of it the test waits for.
func (b *Browser) Open(url string) {
	b.t.Helper()
	var r struct{ ErrorText string }
	b.Call("Page.navigate", map[string]any{"url": url}, &r)
	if r.ErrorText != "" {
		b.t.Fatalf("%s: %s", url, r.ErrorText)
	}
}

// Eval returns what an expression of the page is, awaited, in result.
func (b *Browser) Eval(expression string, result any) {
	b.t.Helper()
	var r struct {
		Result    struct{ Value rawValue }
		Exception *struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
	}
	b.Call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r)
	if r.Exception != nil {
		b.t.Fatalf("%s: %s %s", expression, r.Exception.Text, r.Exception.Exception.Description)
	}
	r.Result.Value.into(b.t, result)
}

// Until waits for a condition of the page.
func (b *Browser) Until(condition string) {
	b.t.Helper()
	var ok bool
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if b.Eval("!!("+condition+")", &ok); ok {
			return
		}
	}
	var text string
	b.Eval("document.body.innerText", &text)
	b.t.Fatalf("%s: not in %v; the page says:\n%s", condition, patience, text)
}

// Click clicks into the middle of the element that a selector names.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.Until("document.querySelector(" + quoted(selector) + ")?.checkVisibility()")
	var at struct{ X, Y float64 }
	b.Eval(`(() => { const n = document.querySelector(`+quoted(selector)+`); n.scrollIntoView({ block: "center", behavior: "instant" });
		const r = n.getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2 }; })()`, &at)
	b.ClickAt(at.X, at.Y)
}

// ClickAt clicks at a point of the window.
func (b *Browser) ClickAt(x, y float64) {
	b.t.Helper()
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.Call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}, nil)
	}
}

// Type writes into what has the focus.
func (b *Browser) Type(text string) {
	b.t.Helper()
	b.Call("Input.insertText", map[string]any{"text": text}, nil)
}

// keyCodes are those of the keys that tests press.
var keyCodes = map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}

// Press presses a key, as in "Tab" or "Enter".
func (b *Browser) Press(key string) {
	b.t.Helper()
	code := keyCodes[key]
	if code == 0 {
		b.t.Fatalf("keyCodes lacks %s", key)
	}
	p := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		p["text"] = "\r"
	}
	b.Call("Input.dispatchKeyEvent", p, nil)
	b.Call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}

// Screen sets the size of the window, and what its user prefers: "light" or "dark", and less
// motion or not.
func (b *Browser) Screen(wide, high int, scheme string, still bool) {
	b.t.Helper()
	motion := "no-preference"
	if still {
		motion = "reduce"
	}
	b.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": wide < 500}, nil)
	b.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion},
	}}, nil)
}

// Shoot writes a picture of the window as PNG, or of the whole page.
func (b *Browser) Shoot(name string, whole bool) {
	b.t.Helper()
	var shot struct{ Data string }
	b.Call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
