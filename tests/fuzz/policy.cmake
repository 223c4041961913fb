# SPDX-License-Identifier: Apache-2.0
wavegate_fuzz(list wg_policy)
wavegate_fuzz(pattern wg_policy)
