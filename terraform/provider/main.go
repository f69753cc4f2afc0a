// Command provider is terraform-provider-gazetteer: regions, types, policies and resources
// of a planet as Terraform's resources. Terraform starts it; it is of no use alone.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"gazetteer/terraform/provider/internal/provider"
)

// address is its name for debuggers. Where it is installed from is the choice of whoever
// installs it; no registry has it yet.
const address = "terraform.local/gazetteer/gazetteer"

func main() {
	err := providerserver.Serve(context.Background(), provider.New, providerserver.ServeOpts{Address: address})
	if err != nil {
		log.Fatal(err)
	}
}
