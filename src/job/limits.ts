/** How large the parts of a definition may be. A definition is held in memory by every node and copied into its runs. */

export const MAX_SPEC_BYTES = 131_072;
export const MAX_NAME_LENGTH = 128;
export const MAX_SCHEDULE_LENGTH = 512;
export const MAX_TIME_ZONE_LENGTH = 64;
export const MAX_DURATION_LENGTH = 64;
/** Ten years of 365 days. */
export const MAX_DURATION_MS = 315_360_000_000;
export const MAX_PARENTS = 1_000;
export const MAX_CONSTRAINTS = 50;
/** Of LIKE and UNLIKE. */
export const MAX_PATTERN_LENGTH = 256;
/** Instructions of a compiled pattern: each may be looked at for each character. */
export const MAX_PATTERN_SIZE = 1_000;
export const MAX_TEXT_LENGTH = 4_096;
export const MAX_OWNER_LENGTH = 256;
export const MAX_LABELS = 64;
export const MAX_LABEL_LENGTH = 256;
export const MAX_COMMAND_LENGTH = 65_536;
export const MAX_COMMAND_WORDS = 1_024;
export const MAX_ENV_VARIABLES = 512;
export const MAX_ENV_BYTES = 65_536;
export const MAX_ENV_NAME_LENGTH = 256;
export const MAX_TASK_ITEMS = 100;
export const MAX_CPUS = 4_096;
/** MiB: 64 TiB. */
export const MAX_MEBIBYTES = 67_108_864;
/** MiB: 1 TiB. */
export const MAX_SHM_MEBIBYTES = 1_048_576;
export const MAX_GPUS = 256;
export const MAX_RETRY_ATTEMPTS = 1_000;
export const MAX_RETRY_FACTOR = 100;
export const MAX_EXIT_CODES = 255;
export const MAX_KEPT_RUNS = 1_000;
