-- require cannot leave its folders.
-- Load: is not a module name
require '../../../etc/passwd'
