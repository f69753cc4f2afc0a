variable "aws_region" {
  description = "Where AWS has it. Null: where the provider is."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the region: a DNS label, unique on the planet."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name)) && !contains(["any", "second"], var.name)
    error_message = "A region's name is a DNS label of lower case letters, digits and hyphens, at most 63 bytes; any and second are taken by names of the zone."
  }
}

variable "place" {
  description = "Where the region is, in degrees. Distance to it is the first guess before round trips are measured."
  type        = object({ lat = number, lon = number })

  validation {
    condition     = abs(var.place.lat) <= 90 && abs(var.place.lon) <= 180
    error_message = "lat is from -90 to 90 and lon from -180 to 180."
  }
}

variable "planet" {
  description = "HOST:PORT of the peer entry of any other regions. Empty for the first region of a planet."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for a in var.planet : can(regex("^[^:/ ]+:[0-9]+$", a))])
    error_message = "An entry is HOST:PORT, as the output peer_entry of another region gives it."
  }
}

variable "admission_parameter" {
  description = "Name of the SSM parameter that holds the token by which the planet lets this region in. Needed with planet."
  type        = string
  default     = ""

  validation {
    condition     = length(var.planet) == 0 || startswith(var.admission_parameter, "/")
    error_message = "A region that joins a planet needs a token: put what `gazetteer region add` prints into an SSM parameter of type SecureString, and give its name, which begins with /."
  }
}

variable "network" {
  description = "A VPC that is there already, with one public subnet for each zone to use. Null makes one of cidr."
  type        = object({ vpc_id = string, subnet_ids = list(string) })
  default     = null
}

variable "cidr" {
  description = "Addresses of the VPC that is made."
  type        = string
  default     = "10.70.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && tonumber(split("/", var.cidr)[1]) <= 24
    error_message = "cidr is an IPv4 network of at least /24, such as 10.70.0.0/16."
  }
}

variable "zones" {
  description = "Over how many availability zones the region spreads."
  type        = number
  default     = 3

  validation {
    condition     = var.zones >= 1 && var.zones <= 6
    error_message = "zones is 1 to 6."
  }
}

variable "voters" {
  description = "Regional servers with a vote on the region's plan. Each has a volume of its own. One survives no failure, three survive one, five two."
  type        = object({ count = optional(number, 3), type = optional(string, "t3.small"), volume_gib = optional(number, 8) })
  default     = {}

  validation {
    condition     = contains([1, 3, 5], var.voters.count)
    error_message = "voters.count is 1, 3 or 5."
  }
}

variable "servers" {
  description = "Regional servers beside the voters; their number follows the load."
  type        = object({ min = optional(number, 0), max = optional(number, 8), type = optional(string, "t3.small") })
  default     = {}

  validation {
    condition     = var.servers.min >= 0 && var.servers.min <= var.servers.max
    error_message = "servers.min is at least 0 and at most servers.max."
  }
}

variable "cluster_servers" {
  description = "Cluster servers; their number follows the load."
  type        = object({ min = optional(number, 2), max = optional(number, 8), type = optional(string, "t3.small") })
  default     = {}

  validation {
    condition     = var.cluster_servers.min >= 1 && var.cluster_servers.min <= var.cluster_servers.max
    error_message = "cluster_servers.min is at least 1 and at most cluster_servers.max."
  }
}

variable "replicas" {
  description = "How many rings there are, of how many replicas, and what each replica keeps its data on."
  type = object({
    rings      = optional(number, 1)
    each       = optional(number, 3)
    type       = optional(string, "t3.medium")
    volume_gib = optional(number, 40)
    iops       = optional(number, 3000)
  })
  default = {}

  validation {
    condition     = var.replicas.rings >= 1 && var.replicas.each >= 1
    error_message = "A region has at least one ring of at least one replica."
  }
}

variable "image" {
  description = "AMI for all instances: Debian 13 with the AWS CLI, curl and jq. Null takes the newest Debian 13."
  type        = string
  default     = null
}

variable "package" {
  description = "Where the .deb is fetched from (https), and what its bytes hash to."
  type        = object({ url = string, sha256 = string })

  validation {
    condition     = startswith(var.package.url, "https://") && can(regex("^[0-9a-f]{64}$", var.package.sha256))
    error_message = "package.url begins with https:// and package.sha256 is 64 lower case hexadecimal digits."
  }
}

variable "clients" {
  description = "Networks that may ask, over REST and DNS."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "peers" {
  description = "Networks of the other regions' servers. Only these and the region itself reach the peer port."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for n in var.peers : can(cidrnetmask(n)) && n != "0.0.0.0/0"])
    error_message = "peers are IPv4 networks (CIDR); the whole internet is none of them."
  }
}

variable "address" {
  description = "How regions reach one another's servers: public addresses, or private ones over peering or a transit gateway."
  type        = string
  default     = "public"

  validation {
    condition     = contains(["public", "private"], var.address)
    error_message = "address is public or private."
  }
}

variable "health" {
  description = "How the balancers check their servers."
  type        = object({ interval = optional(number, 10), timeout = optional(number, 5), healthy = optional(number, 2), unhealthy = optional(number, 2) })
  default     = {}

  validation {
    condition     = var.health.interval >= 5 && var.health.interval <= 300 && var.health.timeout < var.health.interval
    error_message = "health.interval is 5 to 300 s, and health.timeout is below it."
  }

  validation {
    condition     = alltrue([for n in [var.health.healthy, var.health.unhealthy] : n >= 2 && n <= 10])
    error_message = "health.healthy and health.unhealthy are 2 to 10."
  }
}

variable "scaling" {
  description = "When the number of elastic servers changes: mean CPU in percent, periods of 60 s in a row, seconds between two changes."
  type        = object({ up = optional(number, 60), down = optional(number, 20), periods = optional(number, 3), cooldown = optional(number, 300) })
  default     = {}

  validation {
    condition     = var.scaling.down < var.scaling.up
    error_message = "scaling.down lies below scaling.up."
  }
}

variable "flags" {
  description = "More flags of `gazetteer server` for all processes."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}
