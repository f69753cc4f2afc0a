package yamltree

import (
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The parser takes time that grows with the square of the depth; a file of ours needs
// little.
const (
	maxFlowDepth = 16   // of [ and {
	maxColumn    = 1000 // of any token: bounds the depth of indentation, too
)

// Parse reads a file of one document. The fault says why it cannot.
func Parse(data []byte, r Rules) (t *Tree, fault *Fault) {
	if len(data) > r.MaxBytes {
		return nil, unreadable(1, "the file has more than %d bytes", r.MaxBytes)
	}
	// The library is made for good input. Should it panic at bad input, a typo in a
	// file must not end a process that has other work.
	defer func() {
		if p := recover(); p != nil {
			t, fault = nil, unreadable(1, "the YAML library cannot read this: %v", p)
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if fault := checkDepth(tokens); fault != nil {
		return nil, fault
	}
	// A key that stands twice is the reader's to complain of: it goes on after it.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxFault(err)
	}
	return r.root(file)
}

func checkDepth(tokens token.Tokens) *Fault {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxFlowDepth || t.Position.Column > maxColumn {
			return unreadable(t.Position.Line, "nested too deeply or too long: put each entry on a line of its own")
		}
	}
	return nil
}

func syntaxFault(err error) *Fault {
	var e yaml.Error
	if !errors.As(err, &e) {
		return unreadable(1, "%v", err)
	}
	return unreadable(e.GetToken().Position.Line, "%s", e.GetMessage())
}

func (r Rules) root(file *ast.File) (*Tree, *Fault) {
	var root *Tree
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return nil, unreadable(lineOf(doc.Body), "a second document begins; a %s is one", r.What)
		}
		t, fault := r.convert(doc.Body)
		if fault != nil {
			return nil, fault
		}
		root = t
	}
	if root == nil {
		return nil, unreadable(1, "the file is empty")
	}
	return root, nil
}

func (r Rules) convert(n ast.Node) (*Tree, *Fault) {
	t := &Tree{Line: lineOf(n)}
	switch n := n.(type) {
	case *ast.StringNode:
		t.Kind, t.Text = Text, n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		t.Kind, t.Text = Text, n.GetToken().Value
	case *ast.NullNode:
		t.Kind = Nothing
	case *ast.SequenceNode:
		return r.list(t, n.Values)
	case *ast.MappingNode:
		return r.mapping(t, n.Values)
	case *ast.MappingValueNode:
		return r.mapping(t, []*ast.MappingValueNode{n})
	case *ast.LiteralNode:
		if !r.Blocks {
			return nil, r.outOfPlace(t)
		}
		t.Kind, t.Text = Text, n.Value.Value
	default:
		return nil, r.outOfPlace(t)
	}
	return t, nil
}

func (r Rules) outOfPlace(t *Tree) *Fault {
	if r.Blocks {
		return unreadable(t.Line, "anchors, aliases and tags have no place in a %s; write the value out", r.What)
	}
	return unreadable(t.Line, "anchors, aliases, tags and blocks of text have no place in a %s", r.What)
}

func (r Rules) list(t *Tree, nodes []ast.Node) (*Tree, *Fault) {
	t.Kind = List
	for _, n := range nodes {
		item, fault := r.convert(n)
		if fault != nil {
			return nil, fault
		}
		t.Items = append(t.Items, item)
	}
	return t, nil
}

func (r Rules) mapping(t *Tree, nodes []*ast.MappingValueNode) (*Tree, *Fault) {
	t.Kind = Mapping
	for _, n := range nodes {
		key, fault := r.convert(n.Key)
		if fault != nil {
			return nil, fault
		}
		value, fault := r.convert(n.Value)
		if fault != nil {
			return nil, fault
		}
		t.Fields = append(t.Fields, Field{Key: key.Text, Line: key.Line, Value: value})
	}
	return t, nil
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
