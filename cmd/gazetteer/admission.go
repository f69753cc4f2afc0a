package main

import (
	"fmt"
	"strings"
	"time"

	"gazetteer/api/client"
)

// admitted is what -o json prints of a token: what the server said, and what to type.
type admitted struct {
	*client.Admission
	Command string `json:"command"`
}

// printAdmission prints with which command line whoever is let in starts. The flags end with
// the one that names where to join.
func (a *app) printAdmission(who string, t *client.Admission, flags ...string) error {
	contact := "ADDR"
	if len(t.Contacts) > 0 {
		contact = t.Contacts[0]
	}
	words := append([]string{"gazetteer", "server"}, flags...)
	words = append(words, contact, "--token", t.Token, "--data", "DIR", "--peer", "HOST:PORT")
	line := commandLine(words)
	if a.output == formatJSON {
		return a.json(admitted{t, line})
	}
	_, err := fmt.Fprintf(a.out, "%s is expected until %s. It starts with\n\n  %s\n\nThe token is shown once.%s\n",
		printable(who), t.Until.UTC().Format(time.RFC3339), printable(line), otherContacts(t))
	return err
}

func otherContacts(t *client.Admission) string {
	if len(t.Contacts) < 2 {
		return ""
	}
	return " If " + printable(t.Contacts[0]) + " does not answer: " + printable(strings.Join(t.Contacts[1:], ", ")) + "."
}

// commandLine writes words so that a shell reads them back as they are.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

func shellWord(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+=@%"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
