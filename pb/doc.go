// Package pb holds what goes over wires and into stores as protobuf: the bodies of
// elements (body.proto), and the messages between servers (peer.proto).
//
// The schemas are the contract; the generated code beside them is committed, so that
// nothing but Go builds the project. What stands on the path of every lookup has a
// hand-written codec in this package, which is held to the generated one by fuzz tests:
// it takes strings as views of the input and allocates nothing.
//
// Rules for changing a schema: a field number is never used again; a new field must
// mean "as before" when it is absent; a body is forwarded unopened by rings, links and
// stores, so an older server keeps what it does not understand.
package pb

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-vtproto_out=. --go-vtproto_opt=paths=source_relative,features=marshal+unmarshal+unmarshal_unsafe+size body.proto peer.proto

// The directive needs protoc (Debian: protobuf-compiler) and these two on the PATH:
//
//	go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
//	go install github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto@v0.6.0
