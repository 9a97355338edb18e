package recordings

import (
	"context"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob/s3blob"
)

// forOthers are the parameters that servers other than Amazon's mostly need, and none is harmed by.
var forOthers = map[string]string{
	"use_path_style":               "true",
	"request_checksum_calculation": "when_required",
	"response_checksum_validation": "when_required",
}

func openS3(ctx context.Context, rawURL string) (*Store, error) {
	address, err := url.Parse(rawURL)
	if err != nil || address.Host == "" {
		return nil, errors.New("want s3://bucket?region=… or s3://bucket?endpoint=https://…")
	}
	if address.User != nil || address.Path != "" && address.Path != "/" {
		return nil, errors.New("an s3:// address has a bucket's name only, keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	address.RawQuery = withDefaults(address.Query()).Encode()
	bucket, err := new(s3blob.URLOpener).OpenBucketURL(ctx, address)
	if err != nil {
		return nil, errors.New("the bucket cannot be opened with these parameters: see the names and values that gocloud.dev/blob/s3blob takes")
	}
	var client *s3.Client
	if bucket.As(&client) && client.Options().Region == "" {
		return nil, errors.Join(errors.New("no region: add region=… to it, or set AWS_REGION"), bucket.Close())
	}
	return &Store{bucket: bucket, settle: func(string) error { return nil }}, nil
}

func withDefaults(params url.Values) url.Values {
	if !params.Has("endpoint") {
		return params
	}
	for name, value := range forOthers {
		if !params.Has(name) {
			params.Set(name, value)
		}
	}
	return params
}
