package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

// importFlags is the command line of an import.
type importFlags struct {
	typ, ack  string
	makeTypes bool
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import [FILE]",
		Short: "Publish a catalogue: resource documents, one a line (NDJSON)",
		Long: `import publishes every resource document of FILE, or of standard input: each resource
becomes exactly what its line says. It ends at the first line that is refused; what is
stored stays, and the message says where to go on. Doing it again is safe.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			name := "-"
			if len(args) == 1 {
				name = args[0]
			}
			return a.importFile(c.Context(), name, f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.typ, "type", "", "type of all resources (default: as each document says)")
	fl.StringVar(&f.ack, "ack", "", "how far each must get: local, ring or regions (default: the server's)")
	fl.BoolVar(&f.makeTypes, "make-types", false, "make the types that do not exist")
	return c
}

func (a *app) importFile(ctx context.Context, name string, f importFlags) error {
	k, err := a.client()
	if err != nil {
		return err
	}
	in, size := a.in, int64(-1)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return cannotRead(err)
		}
		defer file.Close()
		in, size = file, sizeOf(file)
	}
	bar := a.newByteProgress("importing", size)
	i := importer{client: k, flags: f, bar: bar}
	err = i.run(ctx, bar.reader(in))
	bar.finish()
	if err != nil {
		return err
	}
	return a.printImported(&i.total)
}

// sizeOf returns the size of a regular file, -1 of what has none.
func sizeOf(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}

// importer publishes one catalogue.
type importer struct {
	client *client.Client
	flags  importFlags
	bar    *progress
	total  client.ImportSummary // of the runs that are done
}

func (i *importer) run(ctx context.Context, catalogue io.Reader) error {
	if i.flags.typ != "" {
		return i.importRun(ctx, i.flags.typ, catalogue)
	}
	return eachRun(catalogue, func(typ string, lines io.Reader) error { return i.importRun(ctx, typ, lines) })
}

func (i *importer) importRun(ctx context.Context, typ string, lines io.Reader) error {
	if i.flags.makeTypes {
		if err := i.maybeMakeType(ctx, typ); err != nil {
			return err
		}
	}
	s, err := i.client.Import(ctx, typ, lines, client.ImportOptions{Ack: i.flags.ack, Progress: i.bar.lines})
	if err != nil {
		return fmt.Errorf("%s: %w", typ, err)
	}
	i.total.Lines += s.Lines
	i.total.Acknowledged += s.Acknowledged
	i.total.Created += s.Created
	i.total.BelowAck += s.BelowAck
	i.total.Seconds += s.Seconds
	return nil
}

// maybeMakeType leaves a type alone that is there.
func (i *importer) maybeMakeType(ctx context.Context, name string) error {
	_, err := i.client.Type(ctx, name)
	if gazetteer.KindOf(err) != gazetteer.NotFound || err == nil {
		return err
	}
	_, err = i.client.PutType(ctx, client.Type{Name: name})
	return err
}

func (a *app) printImported(s *client.ImportSummary) error {
	if a.output == formatJSON {
		return a.json(s)
	}
	_, err := fmt.Fprintf(a.out, "%d resources stored, %d of them new, in %.1f s\n", s.Acknowledged, s.Created, s.Seconds)
	if err == nil && s.BelowAck > 0 {
		_, err = fmt.Fprintf(a.out, "%d of them not yet as widely as was asked\n", s.BelowAck)
	}
	return err
}
