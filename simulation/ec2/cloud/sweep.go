package cloud

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Sweep removes what costs money and carries the run's tag: scaling groups first, since
// they would make new instances, then instances, balancers with their target groups, and
// volumes. One that cannot be removed does not keep the others.
func (c *Cloud) Sweep(ctx context.Context, region, run string) (removed []string, err error) {
	var errs []error
	for _, sweep := range []func(context.Context, string, string) ([]string, error){c.sweepGroups, c.sweepInstances, c.sweepBalancers, c.sweepTargets, c.sweepVolumes} {
		some, err := sweep(ctx, region, run)
		removed, errs = append(removed, some...), append(errs, err)
	}
	return removed, errors.Join(errs...)
}

func (c *Cloud) sweepGroups(ctx context.Context, region, run string) (removed []string, err error) {
	k := c.groups(region)
	in := &autoscaling.DescribeAutoScalingGroupsInput{Filters: []astypes.Filter{{Name: aws.String("tag:" + runTag), Values: []string{run}}}}
	for pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(k, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return removed, failed(region, "describe scaling groups", err)
		}
		for _, g := range page.AutoScalingGroups {
			if _, err := k.DeleteAutoScalingGroup(ctx, &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: g.AutoScalingGroupName, ForceDelete: aws.Bool(true)}); err != nil {
				return removed, failed(region, "delete scaling group", err)
			}
			removed = append(removed, "scaling group "+aws.ToString(g.AutoScalingGroupName))
		}
	}
	return removed, nil
}

const terminatedWithin = 10 * time.Minute

func (c *Cloud) sweepInstances(ctx context.Context, region, run string) (removed []string, err error) {
	all, err := c.Instances(ctx, region, run)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var ids []string
	for _, i := range all {
		ids, removed = append(ids, i.ID), append(removed, "instance "+i.ID)
	}
	k := c.ec2(region)
	if _, err := k.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
		return nil, failed(region, "terminate instances", err)
	}
	err = ec2.NewInstanceTerminatedWaiter(k).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, terminatedWithin)
	return removed, failed(region, "wait for instances to end", err)
}

// tagged returns those of some resources that carry the run's tag. AWS takes 20 at once.
func (c *Cloud) tagged(ctx context.Context, region, run string, arns []string) (of []string, err error) {
	for some := range slices.Chunk(arns, 20) {
		out, err := c.balancers(region).DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: some})
		if err != nil {
			return nil, failed(region, "describe tags", err)
		}
		for _, d := range out.TagDescriptions {
			if slices.ContainsFunc(d.Tags, func(t elbtypes.Tag) bool { return aws.ToString(t.Key) == runTag && aws.ToString(t.Value) == run }) {
				of = append(of, aws.ToString(d.ResourceArn))
			}
		}
	}
	return of, nil
}

func (c *Cloud) sweepBalancers(ctx context.Context, region, run string) (removed []string, err error) {
	k := c.balancers(region)
	var arns []string
	for pages := elb.NewDescribeLoadBalancersPaginator(k, &elb.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(region, "describe balancers", err)
		}
		for _, b := range page.LoadBalancers {
			arns = append(arns, aws.ToString(b.LoadBalancerArn))
		}
	}
	ours, err := c.tagged(ctx, region, run, arns)
	for _, arn := range ours {
		if _, err := k.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: &arn}); err != nil {
			return removed, failed(region, "delete balancer", err)
		}
		removed = append(removed, "balancer "+arn)
	}
	return removed, err
}

func (c *Cloud) sweepTargets(ctx context.Context, region, run string) (removed []string, err error) {
	k := c.balancers(region)
	var arns []string
	for pages := elb.NewDescribeTargetGroupsPaginator(k, &elb.DescribeTargetGroupsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(region, "describe target groups", err)
		}
		for _, g := range page.TargetGroups {
			arns = append(arns, aws.ToString(g.TargetGroupArn))
		}
	}
	ours, err := c.tagged(ctx, region, run, arns)
	for _, arn := range ours {
		if _, err := k.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: &arn}); err != nil {
			return removed, failed(region, "delete target group", err)
		}
		removed = append(removed, "target group "+arn)
	}
	return removed, err
}

func (c *Cloud) sweepVolumes(ctx context.Context, region, run string) (removed []string, err error) {
	k := c.ec2(region)
	in := &ec2.DescribeVolumesInput{Filters: []ec2types.Filter{{Name: aws.String("tag:" + runTag), Values: []string{run}}}}
	for pages := ec2.NewDescribeVolumesPaginator(k, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return removed, failed(region, "describe volumes", err)
		}
		for _, v := range page.Volumes {
			if _, err := k.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}); err != nil {
				return removed, failed(region, "delete volume", err)
			}
			removed = append(removed, "volume "+aws.ToString(v.VolumeId))
		}
	}
	return removed, nil
}
