package cloud

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	experiment "gazetteer/simulation/ec2"
)

// The promise that this package keeps.
var _ experiment.Cloud = (*Cloud)(nil)

// ofRun asks for what runs, is coming up or is stopped, of one run.
func ofRun(run string) []ec2types.Filter {
	return []ec2types.Filter{
		{Name: aws.String("tag:" + runTag), Values: []string{run}},
		{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
	}
}

// Instances returns those of a run, by name and then id.
func (c *Cloud) Instances(ctx context.Context, region, run string) (all []experiment.Instance, err error) {
	for pages := ec2.NewDescribeInstancesPaginator(c.ec2(region), &ec2.DescribeInstancesInput{Filters: ofRun(run)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(region, "describe instances", err)
		}
		for _, r := range page.Reservations {
			for i := range r.Instances {
				all = append(all, instanceOf(&r.Instances[i]))
			}
		}
	}
	slices.SortFunc(all, func(a, b experiment.Instance) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

func instanceOf(i *ec2types.Instance) experiment.Instance {
	out := experiment.Instance{ID: aws.ToString(i.InstanceId), Address: aws.ToString(i.PublicIpAddress)}
	for _, t := range i.Tags {
		switch aws.ToString(t.Key) {
		case nameTag:
			out.Name = aws.ToString(t.Value)
		case groupTag:
			out.Group = aws.ToString(t.Value)
		case clientTag:
			out.Client = true
		}
	}
	return out
}

// poweredWithin is how long EC2 may take to stop or start instances.
const poweredWithin = 10 * time.Minute

// Stop takes the power of instances away: they write nothing more.
func (c *Cloud) Stop(ctx context.Context, region string, ids []string) error {
	_, err := c.ec2(region).StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids, Force: aws.Bool(true)})
	return failed(region, "stop instances", err)
}

// Start starts instances again, as soon as they have stopped, and waits until they run.
func (c *Cloud) Start(ctx context.Context, region string, ids []string) error {
	k := c.ec2(region)
	these := &ec2.DescribeInstancesInput{InstanceIds: ids}
	if err := awaitStopped(ctx, k, these); err != nil {
		return failed(region, "wait for instances to stop", err)
	}
	if _, err := k.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}); err != nil {
		return failed(region, "start instances", err)
	}
	return failed(region, "wait for instances to run", ec2.NewInstanceRunningWaiter(k).Wait(ctx, these, poweredWithin))
}

// awaitStopped waits for those that are still going down. Others may run already.
func awaitStopped(ctx context.Context, k *ec2.Client, these *ec2.DescribeInstancesInput) error {
	now, err := k.DescribeInstances(ctx, these)
	if err != nil {
		return err
	}
	var stopping []string
	for _, r := range now.Reservations {
		for _, i := range r.Instances {
			if i.State != nil && i.State.Name == ec2types.InstanceStateNameStopping {
				stopping = append(stopping, aws.ToString(i.InstanceId))
			}
		}
	}
	if len(stopping) == 0 {
		return nil
	}
	return ec2.NewInstanceStoppedWaiter(k).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: stopping}, poweredWithin)
}

// Reboot restarts instances in an orderly way.
func (c *Cloud) Reboot(ctx context.Context, region string, ids []string) error {
	_, err := c.ec2(region).RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: ids})
	return failed(region, "reboot instances", err)
}

// Suspend keeps a scaling group from some of what it does.
func (c *Cloud) Suspend(ctx context.Context, region, group string, what []string) error {
	_, err := c.groups(region).SuspendProcesses(ctx, &autoscaling.SuspendProcessesInput{AutoScalingGroupName: &group, ScalingProcesses: what})
	return failed(region, "suspend processes of "+group, err)
}

// Resume lets it do so again.
func (c *Cloud) Resume(ctx context.Context, region, group string, what []string) error {
	_, err := c.groups(region).ResumeProcesses(ctx, &autoscaling.ResumeProcessesInput{AutoScalingGroupName: &group, ScalingProcesses: what})
	return failed(region, "resume processes of "+group, err)
}

// Deregister takes all instances out of a target group.
func (c *Cloud) Deregister(ctx context.Context, region, group string) (ids []string, err error) {
	k := c.balancers(region)
	in, err := k.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group})
	if err != nil {
		return nil, failed(region, "describe targets", err)
	}
	for _, t := range in.TargetHealthDescriptions {
		ids = append(ids, aws.ToString(t.Target.Id))
	}
	slices.Sort(ids)
	if len(ids) == 0 {
		return nil, nil
	}
	_, err = k.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &group, Targets: targetsOf(ids)})
	return ids, failed(region, "deregister targets", err)
}

// Register puts instances into a target group.
func (c *Cloud) Register(ctx context.Context, region, group string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := c.balancers(region).RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &group, Targets: targetsOf(ids)})
	return failed(region, "register targets", err)
}

func targetsOf(ids []string) (all []elbtypes.TargetDescription) {
	for _, id := range ids {
		all = append(all, elbtypes.TargetDescription{Id: aws.String(id)})
	}
	return all
}

// Metrics asks CloudWatch for values in periods of a minute. At most 500 are asked for.
func (c *Cloud) Metrics(ctx context.Context, region string, asked []experiment.Metric, from, to time.Time) (all []experiment.Point, err error) {
	in := &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to, ScanBy: cwtypes.ScanByTimestampAscending}
	for i := range asked {
		in.MetricDataQueries = append(in.MetricDataQueries, queryOf(i, &asked[i]))
	}
	for pages := cloudwatch.NewGetMetricDataPaginator(c.metrics(region), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(region, "get metrics", err)
		}
		for _, r := range page.MetricDataResults {
			var n int
			if _, err := fmt.Sscanf(aws.ToString(r.Id), "m%d", &n); err != nil || n < 0 || n >= len(asked) {
				return nil, failed(region, "get metrics", fmt.Errorf("an answer to %q, which was not asked", aws.ToString(r.Id)))
			}
			for i := range min(len(r.Values), len(r.Timestamps)) {
				all = append(all, experiment.Point{Asked: n, At: r.Timestamps[i].UTC(), Value: r.Values[i]})
			}
		}
	}
	return all, nil
}

func queryOf(n int, m *experiment.Metric) cwtypes.MetricDataQuery {
	metric := &cwtypes.Metric{Namespace: &m.Namespace, MetricName: &m.Name}
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		metric.Dimensions = append(metric.Dimensions, cwtypes.Dimension{Name: aws.String(name), Value: aws.String(m.Dimensions[name])})
	}
	return cwtypes.MetricDataQuery{Id: aws.String(fmt.Sprintf("m%d", n)), MetricStat: &cwtypes.MetricStat{Metric: metric, Period: aws.Int32(60), Stat: &m.Statistic}}
}
