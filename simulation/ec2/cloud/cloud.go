// Package cloud asks AWS by its own SDK; no other package imports that.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"gazetteer"
)

// Cloud is one account.
type Cloud struct {
	endpoint    *string
	credentials aws.CredentialsProvider
}

// Keys are what calls are signed with.
type Keys struct{ ID, Secret, Session string }

// FromEnvironment takes the keys that AWS's own tools take from the environment.
func FromEnvironment() (Keys, error) {
	k := Keys{os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")}
	if k.ID == "" || k.Secret == "" {
		return k, &gazetteer.Error{Op: "cloud.FromEnvironment", Kind: gazetteer.Denied,
			Detail: `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; with a profile: eval "$(aws configure export-credentials --format env)"`}
	}
	return k, nil
}

// New returns the account of some keys. All services are asked at the endpoint, if it is
// not empty, instead of at their own.
func New(k Keys, endpoint string) *Cloud {
	c := &Cloud{credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.Session, Source: "environment"}, nil
	})}
	if endpoint != "" {
		c.endpoint = &endpoint
	}
	return c
}

func (c *Cloud) in(region string) aws.Config {
	return aws.Config{Region: region, Credentials: c.credentials, BaseEndpoint: c.endpoint}
}

func (c *Cloud) ec2(region string) *ec2.Client { return ec2.NewFromConfig(c.in(region)) }

func (c *Cloud) groups(region string) *autoscaling.Client {
	return autoscaling.NewFromConfig(c.in(region))
}

func (c *Cloud) balancers(region string) *elb.Client { return elb.NewFromConfig(c.in(region)) }

func (c *Cloud) metrics(region string) *cloudwatch.Client {
	return cloudwatch.NewFromConfig(c.in(region))
}

func (c *Cloud) parameters(region string) *ssm.Client { return ssm.NewFromConfig(c.in(region)) }

func (c *Cloud) s3(region string) *s3.Client {
	return s3.NewFromConfig(c.in(region), func(o *s3.Options) { o.UsePathStyle = c.endpoint != nil })
}

// failed says what was asked where, and of what kind AWS's refusal is.
func failed(region, what string, err error) error {
	if err == nil {
		return nil
	}
	kind := gazetteer.Unavailable
	var api smithy.APIError
	if errors.As(err, &api) {
		kind = kindOf(api.ErrorCode())
	}
	return &gazetteer.Error{Op: "cloud", Kind: kind, Detail: fmt.Sprintf("%s in %s: %v", what, region, err), Err: err}
}

func kindOf(code string) gazetteer.Kind {
	switch code {
	case "NoSuchKey", "NoSuchBucket", "NotFound", "ParameterNotFound":
		return gazetteer.NotFound
	case "UnauthorizedOperation", "AccessDenied", "AuthFailure", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch":
		return gazetteer.Denied
	case "BucketAlreadyExists":
		return gazetteer.Conflict
	}
	return gazetteer.Unavailable
}

// isCode reports whether AWS has refused with one of some codes.
func isCode(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}

// The tags by which things of a run are known.
const (
	runTag    = "gazetteer:run"
	clientTag = "gazetteer:client"
	nameTag   = "Name"
	groupTag  = "aws:autoscaling:groupName"
)
