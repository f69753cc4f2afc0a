package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gazetteer/api/client"
)

// session is one that goes on from command to command, in a file.
type session struct {
	file string // "": none
	was  string
	now  *client.Session // nil: no request was made
}

// in returns a client whose requests are of the session.
func (s *session) in(k *client.Client) (*client.Client, error) {
	if s.now == nil {
		text, err := os.ReadFile(s.file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("session: %w", err)
		}
		s.now = client.NewSession(string(text))
		s.was = s.now.Token()
	}
	return k.In(s.now), nil
}

// save keeps the session for the next command. The file is replaced whole: one that was
// half written would be refused.
func (s *session) save() error {
	if s.now == nil || s.now.Token() == s.was {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(s.file), ".session-*")
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	_, err = f.WriteString(s.now.Token() + "\n")
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("session: %w", err), os.Remove(f.Name()))
	}
	return nil
}
