package control

import (
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// tree is what a plan file may consist of: text, lists and mappings. Everything else
// that YAML can do (anchors, aliases, tags, merge keys, several documents) is refused,
// so a file says what it seems to say and is never larger than it looks.
type tree struct {
	kind   kind
	line   int
	text   string
	items  []*tree // of a list
	fields []field // of a mapping, in the order of the file
}

type field struct {
	key   string
	line  int
	value *tree
}

type kind string

const (
	nothing kind = "nothing"
	text    kind = "a text"
	list    kind = "a list"
	mapping kind = "a mapping"
)

// The parser takes time that grows with the square of the depth; a plan needs little.
const (
	maxFlowDepth = 16   // of [ and {
	maxColumn    = 1000 // of any token: bounds the depth of indentation, too
)

func parseYAML(data []byte) (t *tree, err error) {
	if len(data) > maxFileBytes {
		return nil, unreadable(1, "", "the file has more than %d bytes", maxFileBytes)
	}
	// The library is made for good input. Should it panic at bad input, a typo in a
	// file must not end a process that has another plan.
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, unreadable(1, "", "the YAML library cannot read this: %v", p)
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if err := checkDepth(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	return rootOf(file)
}

func checkDepth(tokens token.Tokens) error {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxFlowDepth || t.Position.Column > maxColumn {
			return unreadable(t.Position.Line, "", "nested too deeply or too long: put each entry on a line of its own")
		}
	}
	return nil
}

func syntaxError(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return unreadable(1, "", "%v", err)
	}
	return unreadable(e.GetToken().Position.Line, "", "%s", e.GetMessage())
}

func rootOf(file *ast.File) (*tree, error) {
	var root *tree
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return nil, unreadable(lineOf(doc.Body), "", "a second document begins; a plan is one")
		}
		t, err := convert(doc.Body)
		if err != nil {
			return nil, err
		}
		root = t
	}
	if root == nil {
		return nil, unreadable(1, "", "the file is empty")
	}
	return root, nil
}

func convert(n ast.Node) (*tree, error) {
	t := &tree{line: lineOf(n)}
	switch n := n.(type) {
	case *ast.StringNode:
		t.kind, t.text = text, n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		t.kind, t.text = text, n.GetToken().Value
	case *ast.NullNode:
		t.kind = nothing
	case *ast.SequenceNode:
		return t, t.addItems(n.Values)
	case *ast.MappingNode:
		return t, t.addFields(n.Values)
	case *ast.MappingValueNode:
		return t, t.addFields([]*ast.MappingValueNode{n})
	default:
		return nil, unreadable(t.line, "", "anchors, aliases, tags and blocks of text have no place in a plan")
	}
	return t, nil
}

func (t *tree) addItems(nodes []ast.Node) error {
	t.kind = list
	for _, n := range nodes {
		item, err := convert(n)
		if err != nil {
			return err
		}
		t.items = append(t.items, item)
	}
	return nil
}

func (t *tree) addFields(nodes []*ast.MappingValueNode) error {
	t.kind = mapping
	for _, n := range nodes {
		key, err := convert(n.Key)
		if err != nil {
			return err
		}
		value, err := convert(n.Value)
		if err != nil {
			return err
		}
		t.fields = append(t.fields, field{key: key.text, line: key.line, value: value})
	}
	return nil
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
