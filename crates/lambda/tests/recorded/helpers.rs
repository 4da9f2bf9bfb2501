//! The reference's setting-up helper, which is not offered.

use super::{Deviation, Group, Run, compare_effects};

pub const GROUP: Group =
    Group { functions: &["sfExecuteAWSService"], deviations: DEVIATIONS, compare: compare_effects };

const DEVIATIONS: &[Deviation] = &[
    not_offered("aws_bucket_other_region"),
    not_offered("aws_create_instance_new"),
    not_offered("aws_origin"),
    not_offered("aws_origin_unknown_instance"),
    not_offered("aws_retrieve_parameters_no_reports_bucket"),
    not_offered("aws_unknown_method"),
];

const fn not_offered(name: &'static str) -> Deviation {
    Deviation {
        name,
        reason: "15.1 S8: no function holds the rights to set an account up",
        further: Vec::new,
        check: |run: &Run| {
            let (error_type, message) = run.error();
            assert_eq!(error_type, "lambda.unknown_function");
            assert!(
                message.contains("is not offered") && message.contains("your own credentials"),
                "{message}"
            );
            assert!(run.requests.is_empty() && run.aws.is_empty());
        },
    }
}
