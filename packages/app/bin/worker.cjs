/** Started by the pool, sandboxed. */
require("./bundle.cjs").worker();
