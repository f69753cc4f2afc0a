package cloud

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"gazetteer"
)

// MakeBucket makes a bucket of the run, unless it is there already and ours.
func (c *Cloud) MakeBucket(ctx context.Context, region, bucket, run string) error {
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if region != "us-east-1" { // which cannot be named
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	k := c.s3(region)
	if _, err := k.CreateBucket(ctx, in); err != nil && !isCode(err, "BucketAlreadyOwnedByYou") {
		return failed(region, "create bucket "+bucket, err)
	}
	_, err := k.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String(runTag), Value: &run}}}})
	return failed(region, "tag bucket "+bucket, err)
}

// Put writes an object.
func (c *Cloud) Put(ctx context.Context, region, bucket, key string, data []byte) error {
	_, err := c.s3(region).PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)})
	return failed(region, "put "+key, err)
}

// Get reads an object.
func (c *Cloud) Get(ctx context.Context, region, bucket, key string) ([]byte, error) {
	o, err := c.s3(region).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, failed(region, "get "+key, err)
	}
	defer o.Body.Close()
	text, err := io.ReadAll(o.Body)
	return text, failed(region, "get "+key, err)
}

// RemoveBucket removes a bucket with all that it holds.
func (c *Cloud) RemoveBucket(ctx context.Context, region, bucket string) error {
	k := c.s3(region)
	for pages := s3.NewListObjectsV2Paginator(k, &s3.ListObjectsV2Input{Bucket: &bucket}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if isCode(err, "NoSuchBucket") {
			return nil
		}
		if err != nil {
			return failed(region, "list bucket "+bucket, err)
		}
		for _, o := range page.Contents {
			if _, err := k.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key}); err != nil {
				return failed(region, "delete "+*o.Key, err)
			}
		}
	}
	_, err := k.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket})
	if isCode(err, "NoSuchBucket") {
		return nil
	}
	return failed(region, "delete bucket "+bucket, err)
}

// PutSecret writes an encrypted parameter.
func (c *Cloud) PutSecret(ctx context.Context, region, parameter, secret, run string) error {
	k := c.parameters(region)
	if _, err := k.PutParameter(ctx, &ssm.PutParameterInput{Name: &parameter, Value: &secret, Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true)}); err != nil {
		return failed(region, "put parameter "+parameter, err)
	}
	_, err := k.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: &parameter, Tags: []ssmtypes.Tag{{Key: aws.String(runTag), Value: &run}}})
	return failed(region, "tag parameter "+parameter, err)
}

// RemoveSecret removes a parameter.
func (c *Cloud) RemoveSecret(ctx context.Context, region, parameter string) error {
	_, err := c.parameters(region).DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &parameter})
	err = failed(region, "delete parameter "+parameter, err)
	if gazetteer.KindOf(err) == gazetteer.NotFound {
		return nil
	}
	return err
}
