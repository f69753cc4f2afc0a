package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// s3 answers for objects and buckets, each of which is the first part of a path.
func (c *Cloud) s3(w http.ResponseWriter, r *http.Request, region string) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") == "aws-chunked" {
		s3Error(w, http.StatusNotImplemented, "NotImplemented")
		return
	}
	if c.hear(Call{"s3", region, s3Action(r, key), strings.TrimSuffix(name+"/"+key, "/")}) != nil {
		s3Error(w, http.StatusForbidden, "AccessDenied")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	there := c.find(bucket, region, name) != nil
	switch _, tagging := r.URL.Query()["tagging"]; {
	case r.Method == http.MethodPut && key == "" && !tagging:
		c.add(&thing{kind: bucket, region: region, id: name})
	case !there:
		s3Error(w, http.StatusNotFound, "NoSuchBucket")
	case tagging:
	case r.Method == http.MethodPut:
		c.objects[name+"/"+key] = body
	case r.Method == http.MethodDelete && key != "":
		delete(c.objects, name+"/"+key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete:
		c.deleteBucket(w, region, name)
	case key == "":
		c.list(w, name)
	default:
		c.object(w, name+"/"+key)
	}
}

func s3Action(r *http.Request, key string) string {
	_, tagging := r.URL.Query()["tagging"]
	switch {
	case tagging:
		return "PutBucketTagging"
	case key == "" && r.Method == http.MethodGet:
		return "ListObjectsV2"
	}
	what := "Object"
	if key == "" {
		what = "Bucket"
	}
	verb := map[string]string{http.MethodPut: "Put", http.MethodGet: "Get", http.MethodDelete: "Delete"}[r.Method]
	if what == "Bucket" && verb == "Put" {
		verb = "Create"
	}
	return verb + what
}

func s3Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused</Message></Error>", code)
}

func (c *Cloud) deleteBucket(w http.ResponseWriter, region, name string) {
	for key := range c.objects {
		if strings.HasPrefix(key, name+"/") {
			s3Error(w, http.StatusConflict, "BucketNotEmpty")
			return
		}
	}
	c.removeOne(bucket, region, name)
	w.WriteHeader(http.StatusNoContent)
}

func (c *Cloud) list(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, "<ListBucketResult><IsTruncated>false</IsTruncated>")
	for _, key := range slices.Sorted(maps.Keys(c.objects)) {
		if rest, ok := strings.CutPrefix(key, name+"/"); ok {
			fmt.Fprintf(w, "<Contents><Key>%s</Key></Contents>", text(rest))
		}
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (c *Cloud) object(w http.ResponseWriter, key string) {
	data, ok := c.objects[key]
	if !ok {
		s3Error(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Write(data)
}

// ssm answers for parameters. What they hold it does not keep.
func (c *Cloud) ssm(w http.ResponseWriter, r *http.Request, region string) {
	var in struct{ Name, ResourceID string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		ssmError(w, "SerializationException")
		return
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if c.hear(Call{"ssm", region, action, in.Name + in.ResourceID}) != nil {
		ssmError(w, "AccessDeniedException")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch action {
	case "PutParameter":
		c.add(&thing{kind: parameter, region: region, id: in.Name})
		fmt.Fprint(w, `{"Version":1}`)
	case "DeleteParameter":
		if !c.removeOne(parameter, region, in.Name) {
			ssmError(w, "ParameterNotFound")
			return
		}
		fmt.Fprint(w, `{}`)
	case "AddTagsToResource":
		fmt.Fprint(w, `{}`)
	default:
		ssmError(w, "InvalidAction")
	}
}

func ssmError(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"__type":%q,"message":"refused"}`, code)
}
