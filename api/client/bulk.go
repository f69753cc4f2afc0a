package client

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// ImportOptions say how an import is done.
type ImportOptions struct {
	Ack string // "local" or "ring"; empty for the server's default
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
	res, err := c.stream(ctx, r, lines)
	if err != nil {
		return ImportSummary{}, err
	}
	defer res.Body.Close()
	return readProgress(res.Body, o.Progress)
}

func readProgress(body io.Reader, tell func(int64)) (ImportSummary, error) {
	in := json.NewDecoder(body)
	for {
		var l progressLine
		if err := in.Decode(&l); err != nil {
			return ImportSummary{}, &gazetteer.Error{Op: "client.Import", Kind: gazetteer.Unavailable, Err: err,
				Detail: "the server broke off; what it had acknowledged is stored, and sending all again is safe"}
		}
		switch {
		case l.Problem != nil:
			return ImportSummary{Acknowledged: l.Problem.Acknowledged}, errorOf(l.Problem)
		case l.Done != nil:
			return *l.Done, nil
		case tell != nil:
			tell(l.Acknowledged)
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
