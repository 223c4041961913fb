wavegate_fuzz(config wg_config)
