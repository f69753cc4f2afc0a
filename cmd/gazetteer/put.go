package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

// putFlags is the command line of a put.
type putFlags struct {
	file             string
	url, country     string
	lat, lon, weight float64
	labels           map[string]string
	ttl              time.Duration
	write            client.WriteOptions
}

func (a *app) putCommand() *cobra.Command {
	var f putFlags
	c := &cobra.Command{
		Use:   "put TYPE ID (-f FILE | LOCATION --url URL)",
		Short: "Publish a resource, or one location of it",
		Long: `put publishes.

With -f the resource becomes exactly what the document in FILE says ("-" is standard
input); what it does not name is gone. With LOCATION and --url that one location is
added or replaced, and the others stay.`,
		Example: `  gazetteer put distribution debian -f debian.json
  gazetteer put distribution debian mirror-1 --url https://mirror.example/ --lat 50.1 --lon 8.7 --country DE`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error { return a.put(c, args, &f) },
	}
	fl := c.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "document to publish; - for standard input")
	fl.StringVar(&f.url, "url", "", "URL of the location")
	fl.Float64Var(&f.lat, "lat", 0, "latitude of the location in degrees")
	fl.Float64Var(&f.lon, "lon", 0, "longitude of the location in degrees")
	fl.StringVar(&f.country, "country", "", "country of the location, two letters")
	fl.Float64Var(&f.weight, "weight", 1, "share of requests; 0 takes the location out")
	fl.StringToStringVar(&f.labels, "label", nil, "labels of the location, key=value")
	fl.DurationVar(&f.ttl, "ttl", 0, "takes a lease of the location: without a renewal (put again, or heartbeat) it is down after this time; 0 gives it up")
	fl.BoolVar(&f.write.Create, "create", false, "only if the resource does not exist")
	writeFlags(c, &f.write)
	return c
}

// writeFlags adds what all writes have.
func writeFlags(c *cobra.Command, o *client.WriteOptions) {
	f := c.Flags()
	f.StringVar(&o.IfMatch, "if-match", "", `only if the resource has this version; "*" for any`)
	f.StringVar(&o.Ack, "ack", "", "how far it must get: local, ring or regions (default: the server's)")
	f.DurationVar(&o.Deadline, "deadline", 0, "within which time (default: the server's)")
}

func (a *app) put(c *cobra.Command, args []string, f *putFlags) error {
	isLocation := len(args) == 3
	switch {
	case f.write.Create && f.write.IfMatch != "":
		return usage("--create and --if-match exclude each other")
	case isLocation && f.file != "":
		return usage("-f publishes a whole resource: leave %q out", args[2])
	case !isLocation && c.Flags().Changed("ttl"):
		return usage("--ttl is a lease of one location: name it")
	case isLocation && f.url == "":
		return usage("--url is missing: where is location %s?", args[2])
	case !isLocation && f.file == "":
		return usage("nothing to publish: name a document with -f, or a location and its --url")
	case c.Flags().Changed("lat") != c.Flags().Changed("lon"):
		return usage("--lat and --lon go together")
	}
	if isLocation {
		return a.putLocation(c, args, f)
	}
	text, err := a.read(f.file)
	if err != nil {
		return err
	}
	return a.write(c.Context(), args[:2], func(ctx context.Context, k *client.Client) (client.Written, error) {
		return k.PutText(ctx, args[0], args[1], text, f.write)
	})
}

func (a *app) putLocation(c *cobra.Command, args []string, f *putFlags) error {
	l := client.Location{ID: args[2], URL: f.url, Country: f.country, Labels: f.labels}
	if c.Flags().Changed("lat") {
		l.Lat, l.Lon = &f.lat, &f.lon
	}
	if c.Flags().Changed("weight") {
		l.Weight = &f.weight
	}
	return a.write(c.Context(), args, func(ctx context.Context, k *client.Client) (client.Written, error) {
		if c.Flags().Changed("ttl") {
			return k.PutLeased(ctx, args[0], args[1], l, f.ttl, f.write)
		}
		return k.PutLocation(ctx, args[0], args[1], l, f.write)
	})
}

// read returns a document, which may have no more bytes than any that a server takes.
func (a *app) read(name string) ([]byte, error) {
	const most = 2 * gazetteer.MaxRecordBytes
	in := a.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, cannotRead(err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, cannotRead(err)
	case len(text) > most:
		return nil, &gazetteer.Error{Op: "gazetteer.put", Kind: gazetteer.TooLarge, Detail: fmt.Sprintf("%s has more than %d bytes, which no server takes", name, most)}
	}
	return text, nil
}

func cannotRead(err error) error {
	return &gazetteer.Error{Op: "gazetteer.read", Kind: gazetteer.Invalid, Err: err}
}

// write performs a write and says what became of it.
func (a *app) write(ctx context.Context, names []string, f func(context.Context, *client.Client) (client.Written, error)) error {
	return a.ask(ctx, names, func(ctx context.Context, k *client.Client) error {
		w, err := f(ctx, k)
		if err != nil {
			return err
		}
		return a.printWritten(names, w)
	})
}

func (a *app) printWritten(names []string, w client.Written) error {
	if a.output == formatJSON {
		return a.json(map[string]any{"version": w.Version, "created": w.Created, "short": w.Short})
	}
	did := "changed"
	switch {
	case w.Version == "":
		did = "gone"
	case w.Created:
		did = "created"
	}
	if w.Short {
		did += ", not yet stored as widely as was asked"
	}
	_, err := fmt.Fprintln(a.out, printable(strings.Join(names, "/")), did)
	return err
}
