package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

func (a *app) exportCommand() *cobra.Command {
	var prefix, file string
	c := &cobra.Command{
		Use:   "export TYPE",
		Short: "Write all resources of a type: documents, one a line (NDJSON)",
		Long: `export writes every resource of a type as a document that import takes again. With
--file the file appears, or is replaced, only when all of it has come.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if file == "" {
				_, err := a.export(c.Context(), args[0], prefix, a.out)
				return err
			}
			return a.exportFile(c.Context(), args[0], prefix, file)
		},
	}
	c.Flags().StringVar(&prefix, "prefix", "", "only resources whose ids start with it")
	c.Flags().StringVar(&file, "file", "", "where to write it (default: standard output)")
	return c
}

func (a *app) exportFile(ctx context.Context, typ, prefix, name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".gazetteer-export-*")
	if err != nil {
		return cannotWrite(err)
	}
	defer os.Remove(f.Name()) // nothing is there any more after the rename
	lines, err := a.export(ctx, typ, prefix, f)
	if closed := f.Close(); err == nil && closed != nil {
		err = cannotWrite(closed)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return cannotWrite(err)
	}
	if a.output == formatJSON {
		return a.json(map[string]any{"lines": lines, "file": name})
	}
	_, err = fmt.Fprintf(a.out, "%d resources written to %s\n", lines, printable(name))
	return err
}

func cannotWrite(err error) error {
	return &gazetteer.Error{Op: "gazetteer.export", Kind: gazetteer.Internal, Err: err}
}

func (a *app) export(ctx context.Context, typ, prefix string, w io.Writer) (lines int64, err error) {
	k, err := a.client()
	if err != nil {
		return 0, err
	}
	partitions := a.partitions(ctx, k)
	bar := a.newProgress("exporting", partitions)
	defer bar.finish()
	seen, start := &lastLine{Writer: w}, time.Now()
	return k.Export(ctx, typ, prefix, seen, func(lines, size int64) {
		if bar.due() {
			rate := float64(lines) / time.Since(start).Seconds()
			bar.set(seen.partition(typ, partitions), fmt.Sprintf("%d resources, %d MB, %.0f/s", lines, size/1e6, rate))
		}
	})
}

// partitions asks for the planet's partition count: an export goes through the
// partitions in order, so the one it is at tells how far it is. -1: unknown.
func (a *app) partitions(ctx context.Context, k *client.Client) int64 {
	var s struct{ Plan struct{ Partitions int64 } }
	text, err := k.Status(ctx)
	if err != nil || json.Unmarshal(text, &s) != nil || s.Plan.Partitions < 1 {
		return -1
	}
	return s.Plan.Partitions
}

// lastLine passes lines on and remembers how the last one begins.
type lastLine struct {
	io.Writer
	start []byte
	ended bool
}

// startMax is enough for the type and the id of a document.
const startMax = 2048

func (l *lastLine) Write(p []byte) (int, error) {
	if l.ended {
		l.start = l.start[:0]
	}
	l.ended = bytes.HasSuffix(p, []byte("\n"))
	l.start = append(l.start, p[:min(len(p), startMax-len(l.start))]...)
	return l.Writer.Write(p)
}

// partition returns where the last line belongs, 0 if that cannot be read.
func (l *lastLine) partition(typ string, count int64) int64 {
	if count < 1 {
		return 0
	}
	k := gazetteer.Key{Type: gazetteer.Type(typ), ID: gazetteer.ID(idIn(l.start))}
	return int64(gazetteer.PartitionOf(k, uint32(count)).Index)
}

// idIn reads the id out of the beginning of a document, where it stands before all that
// is not a text.
func idIn(start []byte) string {
	in := json.NewDecoder(bytes.NewReader(start))
	if _, err := in.Token(); err != nil {
		return ""
	}
	for {
		key, err := in.Token()
		if err != nil {
			return ""
		}
		value, _ := in.Token()
		text, ok := value.(string)
		if !ok || key == "id" {
			return text
		}
	}
}
