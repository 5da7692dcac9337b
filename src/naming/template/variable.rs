//! The variables of a template that come from neither the tag nor the time.

/// A value that the plugin itself knows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Variable {
    /// `availability_zone`: where the task runs, such as `eu-west-1a`.
    AvailabilityZone,
    /// `aws_region`: the region that the output sends to.
    AwsRegion,
    /// `container_id`: the container's runtime identifier.
    ContainerId,
    /// `container_name`: the container's name in the task definition.
    ContainerName,
    /// `ecs_cluster`: the cluster's name or ARN, as the metadata has it.
    EcsCluster,
    /// `ecs_task_arn`: the task's ARN.
    EcsTaskArn,
    /// `ecs_task_family`: the name of the task definition.
    EcsTaskFamily,
    /// `ecs_task_id`: the last part of the task's ARN.
    EcsTaskId,
    /// `ecs_task_revision`: the revision of the task definition.
    EcsTaskRevision,
    /// `uuid`: text made up once for each plugin instance.
    Uuid,
}

impl Variable {
    /// Every variable, in the order of their names.
    pub const ALL: [Self; 10] = [
        Self::AvailabilityZone,
        Self::AwsRegion,
        Self::ContainerId,
        Self::ContainerName,
        Self::EcsCluster,
        Self::EcsTaskArn,
        Self::EcsTaskFamily,
        Self::EcsTaskId,
        Self::EcsTaskRevision,
        Self::Uuid,
    ];

    /// The name between `$(` and `)`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "availability_zone",
            Self::AwsRegion => "aws_region",
            Self::ContainerId => "container_id",
            Self::ContainerName => "container_name",
            Self::EcsCluster => "ecs_cluster",
            Self::EcsTaskArn => "ecs_task_arn",
            Self::EcsTaskFamily => "ecs_task_family",
            Self::EcsTaskId => "ecs_task_id",
            Self::EcsTaskRevision => "ecs_task_revision",
            Self::Uuid => "uuid",
        }
    }

    /// Whether the value comes from the ECS task metadata.
    pub fn is_ecs_metadata(self) -> bool {
        !matches!(self, Self::AwsRegion | Self::Uuid)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|variable| variable.name() == name)
    }

    /// Whether a record key of the same name is preferred.
    ///
    /// Go reserves four names. The others are new here and meant a record key to
    /// the Go plugin, like the `container_name` of Docker's Fluentd log driver.
    pub(super) fn yields_to_the_record(self) -> bool {
        !matches!(
            self,
            Self::EcsCluster | Self::EcsTaskArn | Self::EcsTaskId | Self::Uuid
        )
    }
}
