package fake

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// query answers the services that take forms and give XML: EC2, scaling groups, balancers.
func (c *Cloud) query(w http.ResponseWriter, r *http.Request, region, service string) {
	if err := r.ParseForm(); err != nil {
		c.refuse(w, service, &refusal{http.StatusBadRequest, "MalformedQueryString"})
		return
	}
	action := r.Form.Get("Action")
	if c.hear(Call{service, region, action, argsOf(r.Form)}) != nil {
		c.refuse(w, service, denied)
		return
	}
	c.mu.Lock()
	body, err := c.act(service, region, action, r.Form)
	c.mu.Unlock()
	if err != nil {
		c.refuse(w, service, err)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	if service == "ec2" {
		fmt.Fprintf(w, "<%sResponse><requestId>fake</requestId>%s</%sResponse>", action, body, action)
		return
	}
	fmt.Fprintf(w, "<%sResponse><%sResult>%s</%sResult><ResponseMetadata><RequestId>fake</RequestId></ResponseMetadata></%sResponse>", action, action, body, action, action)
}

func (c *Cloud) refuse(w http.ResponseWriter, service string, r *refusal) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(r.status)
	if service == "ec2" {
		fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>refused</Message></Error></Errors><RequestID>fake</RequestID></Response>", r.code)
		return
	}
	fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>refused</Message></Error><RequestId>fake</RequestId></ErrorResponse>", r.code)
}

func argsOf(form url.Values) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(form)) {
		if k != "Action" && k != "Version" {
			all = append(all, k+"="+strings.Join(form[k], ","))
		}
	}
	return strings.Join(all, " ")
}

// list returns the values of PREFIX.1, PREFIX.2 and so on, each with an ending.
func list(form url.Values, prefix, ending string) (all []string) {
	for i := 1; ; i++ {
		v, ok := form[fmt.Sprintf("%s.%d%s", prefix, i, ending)]
		if !ok {
			return all
		}
		all = append(all, v...)
	}
}

// filtered is the value of the filter for the run's tag, if there is one.
func filtered(form url.Values, prefix, value string) string {
	for i, name := range list(form, prefix, ".Name") {
		if name == "tag:"+runTag {
			return form.Get(fmt.Sprintf("%s.%d.%s.1", prefix, i+1, value))
		}
	}
	return ""
}

func (c *Cloud) act(service, region, action string, form url.Values) (string, *refusal) {
	switch service + " " + action {
	case "ec2 DescribeInstances":
		return c.describeInstances(region, list(form, "InstanceId", ""), filtered(form, "Filter", "Value")), nil
	case "ec2 StopInstances", "ec2 StartInstances", "ec2 RebootInstances", "ec2 TerminateInstances":
		return c.power(region, action, list(form, "InstanceId", ""))
	case "ec2 DescribeVolumes":
		return c.describeVolumes(region, filtered(form, "Filter", "Value")), nil
	case "ec2 DeleteVolume":
		return gone(c.removeOne(volume, region, form.Get("VolumeId")), "InvalidVolume.NotFound")
	case "autoscaling DescribeAutoScalingGroups":
		return c.describeGroups(region, filtered(form, "Filters.member", "Values.member")), nil
	case "autoscaling SuspendProcesses", "autoscaling ResumeProcesses":
		return c.hold(region, form.Get("AutoScalingGroupName"), list(form, "ScalingProcesses.member", ""), action == "SuspendProcesses")
	case "autoscaling DeleteAutoScalingGroup":
		return c.deleteGroup(region, form.Get("AutoScalingGroupName"))
	case "elasticloadbalancing DescribeTargetHealth":
		return c.describeTargets(region, form.Get("TargetGroupArn"))
	case "elasticloadbalancing DeregisterTargets", "elasticloadbalancing RegisterTargets":
		return c.register(region, form.Get("TargetGroupArn"), list(form, "Targets.member", ".Id"), action == "RegisterTargets")
	case "elasticloadbalancing DescribeLoadBalancers":
		return members("LoadBalancers", "LoadBalancerArn", c.all(balancer, region, "")), nil
	case "elasticloadbalancing DescribeTargetGroups":
		return members("TargetGroups", "TargetGroupArn", c.all(targets, region, "")), nil
	case "elasticloadbalancing DescribeTags":
		return c.describeTags(region, list(form, "ResourceArns.member", "")), nil
	case "elasticloadbalancing DeleteLoadBalancer":
		return gone(c.removeOne(balancer, region, form.Get("LoadBalancerArn")), "LoadBalancerNotFound")
	case "elasticloadbalancing DeleteTargetGroup":
		return gone(c.removeOne(targets, region, form.Get("TargetGroupArn")), "TargetGroupNotFound")
	}
	return "", noAction
}

func gone(was bool, code string) (string, *refusal) {
	if !was {
		return "", &refusal{http.StatusBadRequest, code}
	}
	return "<return>true</return>", nil
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

func (c *Cloud) describeInstances(region string, ids []string, run string) string {
	var b strings.Builder
	for _, t := range c.all(instance, region, run) {
		if len(ids) > 0 && !slices.Contains(ids, t.id) {
			continue
		}
		fmt.Fprintf(&b, "<item><reservationId>r-%s</reservationId><instancesSet><item><instanceId>%s</instanceId><instanceState><name>%s</name></instanceState>", t.id, text(t.id), t.state)
		if t.address != "" {
			fmt.Fprintf(&b, "<ipAddress>%s</ipAddress>", t.address)
		}
		b.WriteString("<tagSet>")
		for _, k := range slices.Sorted(maps.Keys(t.tags)) {
			fmt.Fprintf(&b, "<item><key>%s</key><value>%s</value></item>", text(k), text(t.tags[k]))
		}
		b.WriteString("</tagSet></item></instancesSet></item>")
	}
	for _, id := range ids { // EC2 shows ended ones for a while
		if c.find(instance, region, id) == nil {
			fmt.Fprintf(&b, "<item><instancesSet><item><instanceId>%s</instanceId><instanceState><name>terminated</name></instanceState></item></instancesSet></item>", text(id))
		}
	}
	return "<reservationSet>" + b.String() + "</reservationSet>"
}

// power does at once what takes EC2 its time. Whoever starts again has another address.
func (c *Cloud) power(region, action string, ids []string) (string, *refusal) {
	for _, id := range ids {
		t := c.find(instance, region, id)
		if t == nil {
			return "", &refusal{http.StatusBadRequest, "InvalidInstanceID.NotFound"}
		}
		switch action {
		case "StopInstances":
			t.state, t.address = "stopped", ""
		case "StartInstances":
			t.state, t.address = "running", addressOf(id+" again")
		case "TerminateInstances":
			c.removeOne(instance, region, id)
		}
	}
	return "<instancesSet></instancesSet>", nil
}

func (c *Cloud) describeVolumes(region, run string) string {
	var b strings.Builder
	for _, t := range c.all(volume, region, run) {
		fmt.Fprintf(&b, "<item><volumeId>%s</volumeId></item>", text(t.id))
	}
	return "<volumeSet>" + b.String() + "</volumeSet>"
}

func (c *Cloud) describeGroups(region, run string) string {
	return members("AutoScalingGroups", "AutoScalingGroupName", c.all(group, region, run))
}

func members(name, field string, all []*thing) string {
	var b strings.Builder
	for _, t := range all {
		fmt.Fprintf(&b, "<member><%s>%s</%s></member>", field, text(t.id), field)
	}
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

func (c *Cloud) hold(region, name string, what []string, suspend bool) (string, *refusal) {
	g := c.find(group, region, name)
	if g == nil {
		return "", &refusal{http.StatusBadRequest, "ValidationError"}
	}
	g.held = slices.DeleteFunc(g.held, func(h string) bool { return slices.Contains(what, h) })
	if suspend {
		g.held = append(g.held, what...)
	}
	return "", nil
}

// deleteGroup takes a group's instances with it.
func (c *Cloud) deleteGroup(region, name string) (string, *refusal) {
	c.remove(func(t *thing) bool { return t.kind == instance && t.region == region && t.group == name })
	return gone(c.removeOne(group, region, name), "ValidationError")
}

func (c *Cloud) describeTargets(region, arn string) (string, *refusal) {
	g := c.find(targets, region, arn)
	if g == nil {
		return "", &refusal{http.StatusBadRequest, "TargetGroupNotFound"}
	}
	var b strings.Builder
	for _, id := range g.members {
		fmt.Fprintf(&b, "<member><Target><Id>%s</Id></Target><TargetHealth><State>healthy</State></TargetHealth></member>", text(id))
	}
	return "<TargetHealthDescriptions>" + b.String() + "</TargetHealthDescriptions>", nil
}

func (c *Cloud) register(region, arn string, ids []string, in bool) (string, *refusal) {
	g := c.find(targets, region, arn)
	if g == nil {
		return "", &refusal{http.StatusBadRequest, "TargetGroupNotFound"}
	}
	g.members = slices.DeleteFunc(g.members, func(m string) bool { return slices.Contains(ids, m) })
	if in {
		g.members = append(g.members, ids...)
		slices.Sort(g.members)
	}
	return "", nil
}

func (c *Cloud) describeTags(region string, arns []string) string {
	var b strings.Builder
	for _, arn := range arns {
		t := cmp.Or(c.find(balancer, region, arn), c.find(targets, region, arn))
		if t == nil {
			continue
		}
		fmt.Fprintf(&b, "<member><ResourceArn>%s</ResourceArn><Tags><member><Key>%s</Key><Value>%s</Value></member></Tags></member>", text(arn), runTag, text(t.tags[runTag]))
	}
	return "<TagDescriptions>" + b.String() + "</TagDescriptions>"
}
