package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// ImportOptions say how an import is done.
type ImportOptions struct {
	Ack string // "local", "ring" or "regions"; empty for the server's default
	// Progress, if set, is told now and then how many lines are stored.
	Progress func(acknowledged int64)
}

// ImportSummary is what an import came to.
type ImportSummary struct {
	Lines        int64   `json:"lines"`
	Acknowledged int64   `json:"acknowledged"`
	Created      int64   `json:"created"`
	BelowAck     int64   `json:"below_ack"` // stored, but not as widely as was asked
	Seconds      float64 `json:"seconds"`
}

// progressLine is one line of the answer to an import: how far it is, or how it ended.
type progressLine struct {
	Acknowledged int64             `json:"acknowledged"`
	Done         *ImportSummary    `json:"done"`
	Problem      *problem.Document `json:"problem"`
}

// Import sends resource documents, one a line, and returns when all are stored. It ends
// at the first line that is refused, with an [ImportError]; what is stored stays.
func (c *Client) Import(ctx context.Context, t string, lines io.Reader, o ImportOptions) (ImportSummary, error) {
	query := url.Values{"progress": {"1"}}
	if o.Ack != "" {
		query.Set("ack", o.Ack)
	}
	r := &request{
		method: http.MethodPost, path: []string{"v1", "types", t, "resources"}, verb: ":import",
		query: query, kind: "application/x-ndjson",
	}
	in := &source{r: lines}
	res, err := c.stream(ctx, r, in)
	if err != nil {
		return ImportSummary{}, in.blame(err)
	}
	defer res.Body.Close()
	s, err := readProgress(res.Body, o.Progress)
	return s, in.blame(err)
}

// readProgress follows the answer while the import goes on. After an error the summary
// tells how many lines are known to be stored.
func readProgress(body io.Reader, tell func(int64)) (s ImportSummary, err error) {
	in := json.NewDecoder(body)
	for {
		var l progressLine
		if err := in.Decode(&l); err != nil {
			return s, &gazetteer.Error{Op: "client.Import", Kind: gazetteer.Unavailable, Err: err,
				Detail: fmt.Sprintf("the server broke off; at least %d lines are stored, and sending all again is safe", s.Acknowledged)}
		}
		switch {
		case l.Problem != nil:
			return ImportSummary{Acknowledged: l.Problem.Acknowledged}, errorOf(l.Problem)
		case l.Done != nil:
			return *l.Done, nil
		}
		if s.Acknowledged = l.Acknowledged; tell != nil {
			tell(l.Acknowledged)
		}
	}
}

// A source is what an import reads from. It hides that a reader can be closed, which is
// for its owner to do, and remembers why it failed.
type source struct {
	r      io.Reader
	failed atomic.Pointer[error]
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.failed.Store(&err)
	}
	return n, err
}

// blame returns the source's own failure instead of what it led to.
func (s *source) blame(err error) error {
	if own := s.failed.Load(); err != nil && own != nil {
		return &gazetteer.Error{Op: "client.Import", Kind: gazetteer.Invalid, Err: *own, Detail: "the documents cannot be read on"}
	}
	return err
}

// ImportDocuments is [Client.Import] of documents as they come. An error of theirs ends
// it; what was sent before is stored.
func (c *Client) ImportDocuments(ctx context.Context, t string, documents iter.Seq2[Document, error], o ImportOptions) (ImportSummary, error) {
	in, out := io.Pipe()
	var writer sync.WaitGroup
	writer.Go(func() { out.CloseWithError(writeLines(out, documents)) })
	s, err := c.Import(ctx, t, in, o)
	in.CloseWithError(io.ErrClosedPipe) // nobody reads any more: the writer ends
	writer.Wait()
	return s, err
}

func writeLines(w io.Writer, documents iter.Seq2[Document, error]) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	lines := json.NewEncoder(buf)
	for d, err := range documents {
		if err == nil {
			err = lines.Encode(d)
		}
		if err != nil {
			return err
		}
	}
	return buf.Flush()
}

// ExportDocuments yields the documents that [Client.Export] writes. An error is the last
// that it yields; without one they are all there are.
func (c *Client) ExportDocuments(ctx context.Context, t, prefix string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		in, out := io.Pipe()
		var writer sync.WaitGroup
		writer.Go(func() {
			_, err := c.Export(ctx, t, prefix, out, nil)
			out.CloseWithError(err)
		})
		yieldLines(in, yield)
		cancel()
		in.CloseWithError(io.ErrClosedPipe)
		writer.Wait()
	}
}

func yieldLines(in io.Reader, yield func(Document, error) bool) {
	lines := json.NewDecoder(bufio.NewReaderSize(in, 64<<10))
	for {
		var d Document
		err := lines.Decode(&d)
		if err == io.EOF || !yield(d, err) || err != nil {
			return
		}
	}
}

// Export writes all resources of a type whose ids start with prefix to w, one document
// a line, and returns how many. progress, if set, is told after each line how many bytes
// and lines have come. After an error what was written is not all there is.
func (c *Client) Export(ctx context.Context, t, prefix string, w io.Writer, progress func(lines, bytes int64)) (lines int64, err error) {
	query := url.Values{}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	r := &request{method: http.MethodGet, path: []string{"v1", "types", t, "resources"}, verb: ":export", query: query}
	res, err := c.send(ctx, r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return copyLines(w, res.Body, progress)
}

func copyLines(w io.Writer, body io.Reader, progress func(lines, bytes int64)) (lines int64, err error) {
	in := bufio.NewReaderSize(body, 64<<10)
	var bytes int64
	for {
		part, err := in.ReadSlice('\n')
		if len(part) > 0 {
			if _, err := w.Write(part); err != nil {
				return lines, &gazetteer.Error{Op: "client.Export", Kind: gazetteer.Internal, Err: err, Detail: "writing the export"}
			}
			bytes += int64(len(part))
		}
		switch err {
		case nil:
			lines++
			if progress != nil {
				progress(lines, bytes)
			}
		case bufio.ErrBufferFull: // a line longer than the buffer: its rest follows
		case io.EOF:
			return lines, nil
		default:
			return lines, &gazetteer.Error{Op: "client.Export", Kind: gazetteer.Unavailable, Err: err,
				Detail: "the export broke off; what came is not all"}
		}
	}
}
