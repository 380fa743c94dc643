/** The configuration schema of each role, for the commands that work on any of them. */
import { agentConfig } from '../agent/config.ts';
import { coreConfig } from '../core/config.ts';
import { reflectorConfig } from '../reflector/config.ts';

export const configSchemas = { core: coreConfig, reflector: reflectorConfig, agent: agentConfig } as const;
