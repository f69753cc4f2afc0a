package mastery

import (
	"bytes"
	"strings"
	"testing"

	"gazetteer"
)

func someLedger(t testing.TB) *Ledger {
	t.Helper()
	l := NewLedger("ams")
	stamp := gazetteer.Stamp{Epoch: 3, Clock: 9, Origin: gazetteer.Origin{Store: 1, Incarnation: 1}}
	for _, c := range []Command{
		{Decide: &Decide{Key: gazetteer.Key{Type: "t", ID: "é/\"x"}, Stamp: stamp, Version: 77}},
		{Decide: &Decide{Key: gazetteer.Key{Type: "t", ID: "a"}, Stamp: stamp, Version: ^gazetteer.Version(0) - 1}},
		{Hand: &Hand{Key: gazetteer.Key{Type: "t", ID: "a"}, Expected: MarkOf(stamp), To: "bom", Epoch: 4}},
		{Promise: &Promise{Key: gazetteer.Key{Type: "t", ID: "z"}, To: "cpt", Epoch: era}},
	} {
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := DecodeCommand(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Perform(read); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestALedgerIsReadAsItWasWritten(t *testing.T) {
	l := someLedger(t)
	data, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := DecodeLedger("ams", data)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := read.Encode(); !bytes.Equal(again, data) {
		t.Errorf("got %s, want %s", again, data)
	}
	if e, ok := read.Entry(gazetteer.Key{Type: "t", ID: "a"}); !ok || e.Home != "bom" || e.Epoch != 4 || e.Version != ^gazetteer.Version(0)-1 {
		t.Errorf("got %+v, %v", e, ok)
	}
	twice := strings.Replace(string(data), `"entries":[`, `"entries":[`+string(data[len(`{"entries":[`):bytes.Index(data, []byte(`}},{`))+3]), 1)
	if _, err := DecodeLedger("ams", []byte(twice)); err == nil {
		t.Error("a line that is there twice was taken")
	}
}

func TestCommandsAreReadStrictly(t *testing.T) {
	for name, text := range map[string]string{
		"none":          `{}`,
		"two":           `{"hand":{"Key":{"Type":"t","ID":"a"},"To":"bom"},"promise":{"Key":{"Type":"t","ID":"a"},"To":"bom","Epoch":65536}}`,
		"no id":         `{"promise":{"Key":{"Type":"t","ID":""},"To":"bom","Epoch":65536}}`,
		"no region":     `{"promise":{"Key":{"Type":"t","ID":"a"},"To":"B!","Epoch":65536}}`,
		"a strange key": `{"promise":{"Key":{"Type":"t","ID":"a"},"To":"bom","Epoch":65536,"x":1}}`,
		"more":          `{"promise":{"Key":{"Type":"t","ID":"a"},"To":"bom","Epoch":65536}} 1`,
		"long":          `{"promise":{"Key":{"Type":"t","ID":"` + strings.Repeat("a", MaxCommandBytes) + `"}}}`,
	} {
		if _, err := DecodeCommand([]byte(text)); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"decide":{"Key":{"Type":"t","ID":"a"},"Expected":{"Epoch":0,"Sequence":0},"Stamp":{"Epoch":1,"Clock":9,"Origin":{"Store":1,"Incarnation":1}},"Version":7}}`))
	f.Add([]byte(`{"take":{"Key":{"Type":"t","ID":"a"},"From":{"Epoch":4294967295},"Term":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := someLedger(t)
		before, _ := l.Encode()
		c, err := DecodeCommand(data)
		if err != nil {
			return
		}
		_, err = l.Perform(c)
		after, wrong := l.Encode()
		if wrong != nil {
			t.Fatal(wrong)
		}
		if err != nil && !bytes.Equal(before, after) {
			t.Errorf("%s was refused (%v) and changed the ledger", data, err)
		}
		if _, err := DecodeLedger("ams", after); err != nil {
			t.Errorf("after %s the ledger cannot be read: %v", data, err)
		}
	})
}
