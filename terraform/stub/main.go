// Command stub stands in for the AWS provider of Terraform where that cannot be had: it
// carries the names and types of its arguments, and makes up what AWS would answer. It
// proves that a module gives arguments that exist, of the right types, all that must be
// given, and that modules fit together; not that AWS accepts their values.
package main

import (
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

func main() {
	p, err := newProvider()
	if err == nil {
		err = tf6server.Serve("hashicorp/aws", func() tfprotov6.ProviderServer { return p })
	}
	if err != nil {
		log.Fatal(err)
	}
}
